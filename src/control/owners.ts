// Users and teams: whom keys belong to, with what they may spend between them.
import { randomBytes } from 'node:crypto'
import { bodySchemas, didYouMean, type OwnerBody, type OwnerChange } from '#config'
import { nearestNames } from '#kernel'
import type { StoredOwner } from '#store'
import { checked, compact, timeText } from './bodies.ts'
import { limitViews } from './limit-views.ts'
import { ownerBody } from './owner-document.ts'
import type { Plane } from './plane.ts'
import type { Actor, Control, KeyView, OwnerView } from './port.ts'
import { Refusal } from './refusal.ts'

type Kind = StoredOwner['kind']

/** Of the keys and users that a sentence names. */
const maxNamed = 10

export function createOwners(plane: Plane, kind: Kind, keys: () => readonly KeyView[]): Control['users'] {
  const schemas = {
    user: { body: bodySchemas.user, change: bodySchemas.userChange },
    team: { body: bodySchemas.team, change: bodySchemas.teamChange },
  }[kind]

  const owners = (): readonly StoredOwner[] => ownersOf(plane, kind)

  function find(id: string): StoredOwner {
    const found = plane.stored().owners.get(id)
    if (found?.kind === kind) return found
    throw new Refusal(
      'not_found',
      `There is no ${kind} with the id ${JSON.stringify(id.slice(0, 100))}; the list of ${kind}s has their ids.`,
    )
  }

  const get = (id: string): OwnerView => viewOf(find(id))

  function refuseTakenName(name: string, id: string | undefined): void {
    const taken = owners().find((owner) => owner.id !== id && ownerBody(owner).name === name)
    if (taken !== undefined)
      throw new Refusal('conflict', `There is a ${kind} named ${JSON.stringify(name)} already (${taken.id}); choose another name.`, 'name')
  }

  function planned(owner: StoredOwner, action: 'create' | 'update', detail: object) {
    return {
      changes: [{ put: 'owner' as const, owner }],
      action: `${kind}.${action}`,
      target: owner.id,
      detail: detail as StoredOwner['document'],
      result: () => get(owner.id),
    }
  }

  function refuseAttached(id: string): void {
    const { name } = ownerBody(find(id))
    const attached = [
      ...named('key', keys().filter((key) => key.state !== 'revoked' && key[kind] === id)), // prettier-ignore
      ...(kind === 'user' ? [] : named('user', ownersOf(plane, 'user').flatMap((user) => ownerBody(user).team === id ? [viewOf(user)] : []))), // prettier-ignore
    ]
    if (attached.length > 0)
      throw new Refusal(
        'conflict',
        `The ${kind} ${JSON.stringify(name)} has ${attached.join(' and ')}; give them another ${kind}, or none (null), first.`,
      )
  }

  return {
    list: () => owners().map(viewOf),
    get,
    async create(body: unknown, actor: Actor) {
      const wanted: OwnerBody = checked<OwnerBody>(schemas.body, body)
      return plane.write(actor, (nowMs) => {
        refuseTakenName(wanted.name, undefined)
        refuseUnknownOwner(plane, 'team', wanted.team)
        const id = `${kind}_${randomBytes(9).toString('base64url')}`
        const document = compact(wanted)
        return planned({ kind, id, document, createdAtMs: nowMs, updatedAtMs: nowMs }, 'create', document)
      })
    },
    async update(id, body, actor) {
      const change: OwnerChange = checked<OwnerChange>(schemas.change, body)
      return plane.write(actor, (nowMs) => {
        const owner = find(id)
        if (change.name !== undefined) refuseTakenName(change.name, id)
        refuseUnknownOwner(plane, 'team', change.team)
        // null takes a field away.
        const entries = Object.entries({ ...owner.document, ...compact(change) }).filter(([, value]) => value !== null)
        return planned({ ...owner, document: Object.fromEntries(entries), updatedAtMs: nowMs }, 'update', compact(change))
      })
    },
    refuseAttached,
    async remove(id, actor) {
      await plane.write(actor, () => {
        const { name } = ownerBody(find(id))
        refuseAttached(id)
        return {
          changes: [{ remove: 'owner', id }],
          action: `${kind}.delete`,
          target: id,
          detail: { name },
          result: () => undefined,
        }
      })
    },
  }
}

function ownersOf(plane: Plane, kind: Kind): readonly StoredOwner[] {
  return [...plane.stored().owners.values()].filter((owner) => owner.kind === kind)
}

/** What a key or a user says that it belongs to must be there; a key's `user` only where it looks like an id, since it may be a label. */
export function refuseUnknownOwner(plane: Plane, kind: Kind, id: string | null | undefined): void {
  if (id === undefined || id === null || plane.stored().owners.get(id)?.kind === kind) return
  const owners = ownersOf(plane, kind)
  const meant = owners.find((owner) => ownerBody(owner).name === id)
  // A label is whatever nobody is called: a name that was one would leave its limits and its wallet aside.
  if (kind === 'user' && meant === undefined && !id.startsWith('user_')) return
  const near = meant === undefined ? didYouMean(nearestNames(id, owners.map((owner) => owner.id), 1)) : ` Its name stands for ${meant.id}.` // prettier-ignore
  throw new Refusal('invalid_request', `${kind} is ${JSON.stringify(id)}, and there is no ${kind} with that id.${near}`, kind)
}

function named(what: string, all: readonly { readonly id: string; readonly name: string }[]): string[] {
  if (all.length === 0) return []
  const shown = all.slice(0, maxNamed).map(({ id, name }) => `${JSON.stringify(name)} (${id})`)
  const more = all.length > maxNamed ? ` and ${all.length - maxNamed} more` : ''
  return [`the ${what}${all.length === 1 ? '' : 's'} ${shown.join(', ')}${more}`]
}

function viewOf(owner: StoredOwner): OwnerView {
  const { name, team, prepaid, ...limits } = ownerBody(owner)
  return {
    id: owner.id,
    name,
    ...(team === undefined ? {} : { team }),
    ...limitViews(limits),
    prepaid: prepaid ?? false,
    created_at: timeText(owner.createdAtMs)!,
    updated_at: timeText(owner.updatedAtMs)!,
  }
}
