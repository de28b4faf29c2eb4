// The control store's tables, as the query builder sees them.
import type { Generated } from 'kysely'

export type ControlTables = {
  providers: { slug: string; document: string; updated_at: number }
  credentials: {
    provider: string
    position: number
    name: string
    env: string | null
    sealed: string | null
    last4: string | null
    created_at: number
  }
  dismissed: { slug: string }
  keys: { id: string; document: string; created_at: number; revoked_at: number | null }
  key_secrets: {
    hash: string
    key_id: string
    position: number
    prefix: string | null
    last4: string | null
    created_at: number
    accepted_until: number | null
  }
  aliases: { name: string; model: string; updated_at: number }
  configs: {
    slug: string
    version: number
    document: string
    sealed: string | null
    comment: string | null
    actor: string
    created_at: number
  }
  config_numbers: { slug: string; version: number }
  prices: { provider: string; model: string; document: string; updated_at: number }
  owners: { id: string; kind: 'user' | 'team'; document: string; created_at: number; updated_at: number }
  alerts: { id: string; body: string; at: number; sent_at: number | null }
  settings: { name: string; value: string; updated_at: number }
  audit: { seq: Generated<number>; at: number; actor: string; action: string; target: string; detail: string }
  idempotency: { key: string; request_hash: string; sealed: string; at: number }
  notes: { name: string; text: string }
  revision: { id: number; number: number }
}
