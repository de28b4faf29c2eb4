// Which parts of a routing config are secrets, as it was written: for whoever stores it, shows it or writes down that it changed.
import { isObject, type JsonObject } from '#kernel'

/** `api_key`, `awsSecretAccessKey`, `vertex_service_account_json`, a guardrail's `authorization`. */
const secretName =
  /(?:^|_)(?:api_?key|apikey|authorization|credentials?|password|passphrase|private_key|access_key_id|secret|secrets|ad_token|session_token|auth_token|access_token|token|bearer|service_account_json)(?:_|$)/
/** Numbers of tokens, and names that only sound like a secret. */
const harmless = /(?:^|_)(?:max|min|budget|input|output|prompt|completion|total)_?[a-z_]*tokens?$|^(?:token_type|secret_name)$/
/** What requests carry is no secret, and has fields of every name. */
const requestFields: ReadonlySet<string> = new Set(['override_params', 'default_params', 'drop_params', 'query', 'conditions'])
const hidden = '[secret]'

/** The secrets in it; [] for one that can be shown as it is. */
export function secretsOfConfig(value: unknown): readonly string[] {
  const secrets: string[] = []
  copyOf(value, secrets)
  return secrets
}

/** A copy with `[secret]` in the place of each. */
export function withoutSecrets(value: unknown): JsonObject {
  const copy = copyOf(value, [])
  return isObject(copy) ? copy : {}
}

function copyOf(value: unknown, secrets: string[]): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item, secrets))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = key
        .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
        .replaceAll('-', '_')
        .toLowerCase()
      if (requestFields.has(name)) return [key, member]
      if (!secretName.test(name) || harmless.test(name)) return [key, copyOf(member, secrets)]
      const found = textsOf(member)
      secrets.push(...found)
      return [key, found.length === 0 ? member : hidden]
    }),
  )
}

/** An account is an object of several. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}
