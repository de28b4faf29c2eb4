// A credential's secret: one word, or the JSON of an account; and where the environment has it.
import { readFileSync } from 'node:fs'
import type { Environment } from './environment.ts'

export const maxSecretCharacters = 16_384

/** Why a text is no secret, as the rest of a sentence; undefined: it is one. */
export function secretFault(text: string): string | undefined {
  if (text.startsWith('{')) return isJson(text) ? undefined : 'begins as JSON and is none'
  return /^[!-~]+$/.test(text) ? undefined : 'contains white space or characters that no header can carry'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A secret, or why there is none (the rest of a sentence that begins with the variable). Neither: the variable is not set. */
export type FoundSecret = { readonly secret?: string; readonly trouble?: string }

/**
 * What a variable says. Some stand for a whole account: AWS_ACCESS_KEY_ID together with its secret, AZURE_CLIENT_SECRET together with
 * its tenant and application, GOOGLE_APPLICATION_CREDENTIALS as the path of a file, which is read.
 */
export function secretInEnvironment(env: Environment, variable: string): FoundSecret {
  const text = env[variable]?.trim() ?? ''
  if (text === '') return {}
  const found = (accounts.get(variable) ?? ((value: string): FoundSecret => ({ secret: value })))(text, env)
  if (found.secret === undefined) return found
  if (found.secret.length > maxSecretCharacters) return { trouble: `has more than ${maxSecretCharacters} characters` }
  const fault = secretFault(found.secret)
  return fault === undefined ? found : { trouble: fault }
}

const accounts: ReadonlyMap<string, (text: string, env: Environment) => FoundSecret> = new Map([
  [
    'AWS_ACCESS_KEY_ID',
    (id, env) => {
      const secret = env['AWS_SECRET_ACCESS_KEY']?.trim() ?? ''
      const token = env['AWS_SESSION_TOKEN']?.trim() ?? ''
      if (secret === '') return { trouble: 'is set, and AWS_SECRET_ACCESS_KEY is not' }
      return { secret: JSON.stringify({ access_key_id: id, secret_access_key: secret, ...(token === '' ? {} : { session_token: token }) }) }
    },
  ],
  [
    'AZURE_CLIENT_SECRET',
    (secret, env) => {
      const missing = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID'].find((one) => (env[one]?.trim() ?? '') === '')
      if (missing !== undefined) return { trouble: `is set, and ${missing} is not` }
      const authority = env['AZURE_AUTHORITY_HOST']?.trim() ?? ''
      return {
        secret: JSON.stringify({
          tenant_id: env['AZURE_TENANT_ID']!.trim(),
          client_id: env['AZURE_CLIENT_ID']!.trim(),
          client_secret: secret,
          ...(authority === '' ? {} : { authority_host: authority }),
        }),
      }
    },
  ],
  [
    'GOOGLE_APPLICATION_CREDENTIALS',
    (file) => {
      try {
        return { secret: readFileSync(file, 'utf8').trim() }
      } catch (error) {
        return { trouble: `names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` }
      }
    },
  ],
])
