// A stored user or team: its document, and what of it snapshots are made of.
import type { OwnerBody } from '#config'
import type { StoredOwner } from '#store'

export function ownerBody({ document }: StoredOwner): OwnerBody {
  return document as unknown as OwnerBody
}

/** By id. */
export function ownerBodies(owners: Iterable<StoredOwner>, kind: StoredOwner['kind']): ReadonlyMap<string, OwnerBody> {
  return new Map([...owners].flatMap((owner) => (owner.kind === kind ? [[owner.id, ownerBody(owner)]] : [])))
}
