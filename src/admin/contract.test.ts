// The contract's bodies and what control really checks are written apart, since a dashboard can't import config: they must not drift.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodySchemas } from '#config'
import { z } from 'zod'
import { aliasBody, keyBody, keyPatch, priceWrite, providerBody, rotateBody, settingsPatch } from './contract.ts'

type Schema = {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly string[]
  readonly const?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly propertyNames?: Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** Every field with its type, whether it must be there, and its words where they are a closed set. */
function fieldsOf(schema: z.ZodType): string[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as Schema
  const found = new Set<string>()
  const visit = (at: Schema, path: string): void => {
    if (at.$ref !== undefined) {
      const name = at.$ref.replace('#/$defs/', '')
      visit(root.$defs![name]!, path)
      return
    }
    const alternatives = at.anyOf ?? at.oneOf
    if (alternatives !== undefined) {
      for (const one of alternatives) visit(one, path)
      return
    }
    const words = at.enum ?? (at.const === undefined ? undefined : [at.const])
    for (const type of words === undefined ? [at.type].flat() : [words.join('|')]) found.add(`${path}: ${type}`)
    for (const [name, below] of Object.entries(at.properties ?? {}))
      visit(below, `${path}.${name}${at.required?.includes(name) === true ? '!' : ''}`)
    if (typeof at.additionalProperties === 'object') visit(at.additionalProperties, `${path}.*`)
    if (at.additionalProperties === false) found.add(`${path}: nothing else`)
    if (at.items !== undefined) visit(at.items, `${path}[]`)
  }
  visit(root, '')
  return [...found].sort()
}

for (const [name, described, checked] of [
  ['a provider', providerBody, bodySchemas.provider],
  ['a key', keyBody, bodySchemas.key],
  ['a change of a key', keyPatch, bodySchemas.keyChange],
  ['a rotation', rotateBody, bodySchemas.keyRotation],
  ['a price', priceWrite, bodySchemas.price],
  ['an alias', aliasBody, bodySchemas.alias],
  ['the settings', settingsPatch, bodySchemas.settings],
] as const) {
  test(`the body of ${name} is described as it is checked`, () => {
    assert.deepEqual(fieldsOf(described), fieldsOf(checked))
  })
}
