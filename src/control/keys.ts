// Gateway keys: made, changed, rotated, revoked. Only a key's hash, its beginning and its last four characters are kept.
import { randomBytes } from 'node:crypto'
import { declaredKeys } from '#catalog'
import { bodySchemas, hashKey, newGatewayKey, type DeclaredKey, type KeyBody, type KeyChange } from '#config'
import type { StoredKey, StoredKeySecret } from '#store'
import { checked, compact, lastFour, timeText } from './bodies.ts'
import { nearestConfig } from './configs.ts'
import { documentOf, type KeyDocument } from './key-document.ts'
import { limitViews } from './limit-views.ts'
import { refuseUnknownOwner } from './owners.ts'
import type { Plane, PlannedWrite } from './plane.ts'
import type { Control, KeyCreated, KeyState, KeyView, LoopGuardView } from './port.ts'
import { Refusal } from './refusal.ts'

const prefixCharacters = 7
const defaultOverlapSeconds = 86_400
/** Of a key's predecessors, the latest: each is a row, and says what it was replaced by. */
const maxPredecessors = 20

export function createKeys(plane: Plane): Control['keys'] {
  const declared = (): ReadonlyMap<string, DeclaredKey> =>
    new Map(declaredKeys(plane.declared).map((key, index) => [key.id, plane.declared.keys[index]!]))

  function list(): KeyView[] {
    const nowMs = Date.now()
    return [
      ...[...declared()].map(([id, key]) => declaredView(id, key, nowMs)),
      ...[...plane.stored().keys.values()].map((key) => viewOf(key, nowMs)),
    ]
  }

  function get(id: string): KeyView {
    const nowMs = Date.now()
    const inFile = declared().get(id)
    return inFile === undefined ? viewOf(find(id), nowMs) : declaredView(id, inFile, nowMs)
  }

  function find(id: string): StoredKey {
    const found = plane.stored().keys.get(id)
    if (found !== undefined) return found
    throw new Refusal('not_found', `There is no key with the id ${JSON.stringify(id.slice(0, 100))}; the list of keys has their ids.`)
  }

  /** The stored key, when it may be changed. */
  function changeable(id: string): StoredKey {
    if (declared().has(id))
      throw new Refusal('read_only', `This key is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`)
    const key = find(id)
    if (key.revokedAtMs !== null)
      throw new Refusal('conflict', `The key ${JSON.stringify(documentOf(key).name)} has been revoked, which is for good; make a new one.`)
    return key
  }

  function refuseTakenName(name: string, id: string | undefined): void {
    const taken = list().find((key) => key.name === name && key.state !== 'revoked' && key.id !== id)
    if (taken !== undefined)
      throw new Refusal(
        'conflict',
        `There is a key named ${JSON.stringify(name)} already (${taken.id}); choose another name, or revoke that one.`,
        'name',
      )
  }

  function refusePast(expiresAt: string | null | undefined, nowMs: number): void {
    if (expiresAt !== undefined && expiresAt !== null && Date.parse(expiresAt) <= nowMs)
      throw new Refusal('invalid_request', `expires_at is ${expiresAt}, which is in the past; DELETE revokes a key at once.`, 'expires_at')
  }

  function refuseUnknownConfig(slug: string | null | undefined): void {
    if (slug === undefined || slug === null) return
    const { configs } = plane.configured()
    if (!configs.has(slug))
      throw new Refusal(
        'invalid_request',
        `config is ${JSON.stringify(slug)}, and there is no such routing config.${nearestConfig(slug, configs.keys())}`,
        'config',
      )
  }

  return {
    list,
    get,
    async create(body, actor) {
      const wanted = checked(bodySchemas.key, body)
      return plane.write(actor, (nowMs) => {
        refuseTakenName(wanted.name, undefined)
        refusePast(wanted.expires_at, nowMs)
        refuseUnknownConfig(wanted.config)
        refuseUnknownOwner(plane, 'user', wanted.user)
        refuseUnknownOwner(plane, 'team', wanted.team)
        return plannedKey(wanted, nowMs, get)
      })
    },
    async update(id, body, actor) {
      const change = checked(bodySchemas.keyChange, body)
      return plane.write(actor, (nowMs) => {
        const key = changeable(id)
        if (change.name !== undefined) refuseTakenName(change.name, id)
        refusePast(change.expires_at, nowMs)
        refuseUnknownConfig(change.config)
        refuseUnknownOwner(plane, 'user', change.user)
        refuseUnknownOwner(plane, 'team', change.team)
        return {
          changes: [{ put: 'key', key: { ...key, document: updated(documentOf(key), change) } }],
          action: 'key.update',
          target: id,
          detail: compact(change),
          result: () => get(id),
        }
      })
    },
    async rotate(id, body, actor) {
      const { overlap_seconds: overlap = defaultOverlapSeconds } = checked(bodySchemas.keyRotation, body ?? {})
      return plane.write(actor, (nowMs) => {
        const key = changeable(id)
        const { expires_at: expiresAt } = documentOf(key)
        if (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs)
          throw new Refusal('conflict', `This key expired at ${expiresAt}; give it another expires_at first.`)
        const plain = newGatewayKey()
        const [current, ...older] = key.secrets
        const predecessors = current === undefined ? older : [{ ...current, acceptedUntilMs: nowMs + overlap * 1000 }, ...older]
        return {
          changes: [{ put: 'key', key: { ...key, secrets: [secretOf(plain, nowMs), ...predecessors.slice(0, maxPredecessors)] } }],
          action: 'key.rotate',
          target: id,
          detail: { overlap_seconds: overlap },
          result: () => ({ ...get(id), key: plain }),
        }
      })
    },
    async revoke(id, actor) {
      if (plane.stored().keys.get(id)?.revokedAtMs != null) return get(id)
      return plane.write(actor, (nowMs) => ({
        changes: [{ put: 'key', key: { ...changeable(id), revokedAtMs: nowMs } }],
        action: 'key.revoke',
        target: id,
        detail: { name: documentOf(find(id)).name },
        result: () => get(id),
      }))
    },
  }
}

/** A new key, as a write. */
export function plannedKey(body: KeyBody, nowMs: number, view: (id: string) => KeyView): PlannedWrite<KeyCreated> {
  const plain = newGatewayKey()
  const id = `key_${randomBytes(9).toString('base64url')}`
  const document: KeyDocument = compact({
    ...body,
    type: body.type ?? (body.user === undefined ? 'service' : 'user'),
    stream_usage: body.stream_usage ?? 'always',
  })
  return {
    changes: [{ put: 'key', key: { id, document, secrets: [secretOf(plain, nowMs)], createdAtMs: nowMs, revokedAtMs: null } }],
    action: 'key.create',
    target: id,
    detail: document,
    result: () => ({ ...view(id), key: plain }),
  }
}

function secretOf(plain: string, nowMs: number): StoredKeySecret {
  return { hash: hashKey(plain), ...shownOf(plain), createdAtMs: nowMs, acceptedUntilMs: null }
}

function shownOf(plain: string): { readonly prefix: string; readonly last4: string | null } {
  return { prefix: plain.slice(0, prefixCharacters), last4: lastFour(plain) }
}

function updated(document: KeyDocument, change: KeyChange): KeyDocument {
  // null takes a field away.
  const entries = Object.entries({ ...document, ...compact(change) }).filter(([, value]) => value !== null)
  const next = Object.fromEntries(entries) as unknown as KeyDocument
  if (next.type === 'service' && next.user !== undefined) {
    const field = change.user === undefined ? 'type' : 'user'
    throw new Refusal('invalid_request', 'A service key belongs to nobody: set user to null, or type to "user".', field)
  }
  return next
}

export function viewOf({ id, document, secrets, createdAtMs, revokedAtMs }: StoredKey, nowMs: number): KeyView {
  const key = document as KeyDocument
  const [current, ...predecessors] = secrets
  return {
    id,
    origin: 'stored',
    ...shared(key),
    state: revokedAtMs === null ? stateAt(key.expires_at, nowMs) : 'revoked',
    prefix: current?.prefix ?? null,
    last4: current?.last4 ?? null,
    // A key that an older version made has no time.
    created_at: createdAtMs === 0 ? null : timeText(createdAtMs),
    revoked_at: timeText(revokedAtMs),
    previous:
      revokedAtMs !== null
        ? []
        : predecessors.flatMap(({ prefix, last4, acceptedUntilMs }) =>
            acceptedUntilMs === null || acceptedUntilMs <= nowMs
              ? []
              : [{ prefix: prefix ?? '', last4: last4 ?? '', accepted_until: new Date(acceptedUntilMs).toISOString() }],
          ),
  }
}

function declaredView(id: string, key: DeclaredKey, nowMs: number): KeyView {
  const shown = key.value === undefined ? { prefix: null, last4: null } : shownOf(key.value)
  const document = {
    ...key,
    type: key.type ?? (key.user === undefined ? 'service' : 'user'),
    stream_usage: key.stream_usage ?? 'always',
  } as const
  return {
    id,
    origin: 'file',
    ...shared(document),
    state: stateAt(key.expires_at, nowMs),
    ...shown,
    created_at: null,
    revoked_at: null,
    previous: [],
  }
}

function shared(key: KeyDocument) {
  return {
    name: key.name,
    type: key.type,
    ...(key.user === undefined ? {} : { user: key.user }),
    ...(key.team === undefined ? {} : { team: key.team }),
    ...(key.metadata === undefined ? {} : { metadata: key.metadata }),
    ...(key.models === undefined ? {} : { models: key.models }),
    ...(key.client === undefined ? {} : { client: key.client }),
    stream_usage: key.stream_usage,
    ...(key.config === undefined ? {} : { config: key.config }),
    allow_config_override: key.allow_config_override ?? true,
    ...(key.loop_guard === undefined ? {} : { loop_guard: compact(key.loop_guard) as LoopGuardView }),
    ...limitViews(key),
    expires_at: key.expires_at === undefined ? null : new Date(key.expires_at).toISOString(),
  }
}

function stateAt(expiresAt: string | undefined, nowMs: number): KeyState {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? 'expired' : 'active'
}
