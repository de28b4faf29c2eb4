// Aliases: names of this instance's own for models that it serves.
import { aliasFault, bodySchemas, didYouMean } from '#config'
import { nearestNames } from '#kernel'
import { checked, timeText } from './bodies.ts'
import type { Plane } from './plane.ts'
import type { AliasView, Control } from './port.ts'
import { Refusal } from './refusal.ts'

export function createAliases(plane: Plane): Control['aliases'] {
  function list(): AliasView[] {
    const { aliases } = plane.configured().snapshot
    return [...aliases].map(([name, model]) => {
      const inFile = plane.declared.aliases.has(name)
      const stored = plane.stored().aliases.get(name)
      return { name, model, origin: inFile ? 'file' : 'stored', updated_at: inFile ? null : timeText(stored?.updatedAtMs) }
    })
  }

  function get(name: string): AliasView {
    const found = list().find((alias) => alias.name === name)
    if (found !== undefined) return found
    const near = didYouMean(nearestNames(name, plane.configured().snapshot.aliases.keys(), 1))
    throw new Refusal('not_found', `There is no alias ${JSON.stringify(name.slice(0, 200))}.${near}`)
  }

  function refuseDeclared(name: string): void {
    if (plane.declared.aliases.has(name))
      throw new Refusal(
        'read_only',
        `The alias ${name} is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`,
      )
  }

  /** Throws unless the alias would mean one model that is served now. */
  function refuseFaulty(name: string, model: string): void {
    const { snapshot, providers } = plane.configured()
    const fault = aliasFault(name, model, { aliases: snapshot.aliases, slugs: providers })
    if (fault !== undefined)
      throw new Refusal('invalid_request', `The alias ${name} ${fault}`, snapshot.aliases.has(model) ? 'model' : 'name')
    const above = [...snapshot.aliases].find(([, target]) => target === name)
    if (above !== undefined)
      throw new Refusal(
        'conflict',
        `The alias ${above[0]} stands for ${name}, which would then be an alias itself; change ${above[0]} first.`,
        'name',
      )
    const resolved = plane.index().resolve(model)
    if (resolved.ok) return
    if (resolved.kind === 'model_not_allowed')
      throw new Refusal(
        'invalid_request',
        `model is ${JSON.stringify(model)}, which the allow-list or deny-list of its provider excludes.`,
        'model',
      )
    if (snapshot.configs.has(model))
      throw new Refusal(
        'invalid_request',
        `model is ${JSON.stringify(model)}, which is a routing config; aliases stand for models. Requests ask for a config by its slug.`,
        'model',
      )
    throw new Refusal(
      'invalid_request',
      `model is ${JSON.stringify(model)}, which no provider of this instance serves.${didYouMean(resolved.nearest)}`,
      'model',
    )
  }

  return {
    list,
    get,
    async put(name, body, actor) {
      checked(bodySchemas.modelName, name, 'name')
      const { model } = checked(bodySchemas.alias, body)
      return plane.write(actor, (nowMs) => {
        refuseDeclared(name)
        refuseFaulty(name, model)
        const created = !plane.stored().aliases.has(name)
        return {
          changes: [{ put: 'alias', alias: { name, model, updatedAtMs: nowMs } }],
          action: 'alias.put',
          target: name,
          detail: { model, created },
          result: () => ({ alias: get(name), created }),
        }
      })
    },
    async remove(name, actor) {
      await plane.write(actor, () => {
        refuseDeclared(name)
        const { model } = get(name)
        return {
          changes: [{ remove: 'alias', name }],
          action: 'alias.delete',
          target: name,
          detail: { model },
          result: () => undefined,
        }
      })
    },
  }
}
