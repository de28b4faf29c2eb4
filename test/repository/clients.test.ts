// docs/clients.md names the versions that test/clients runs.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { clientPackages } from '#test/npm-client.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const paper = readFileSync(path.join(root, 'docs', 'clients.md'), 'utf8')

test('every client stands in docs/clients.md with the version that is tested', () => {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version: string }> }
  const locked = ['openai', '@anthropic-ai/sdk'].map((name) => [name, lock.packages[`node_modules/${name}`]!.version] as const)
  const pinned = Object.values(clientPackages).flatMap((packages) => Object.entries(packages))
  for (const [name, version] of [...locked, ...pinned]) assert.ok(paper.includes(`\`${name}\` ${version}`), `${name} ${version}`)
})
