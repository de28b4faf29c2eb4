// From a credential's secret to the account that it is, where its vendor takes accounts beside keys or instead of them.
import { ConfigError, didYouMean, type Account, type Credential, type Environment } from '#config'
import { isObject, nearestNames, type JsonObject } from '#kernel'

/** What kind of accounts a vendor takes. */
export type AccountKind = 'aws' | 'google' | 'entra'

type Context = {
  /** Of the provider: what the account is used for. */
  readonly origin: string
  readonly env: Environment
  /** Of the credential, for sentences; never what is in it. */
  readonly named: string
  /** The setting at fault, for `ConfigError`. */
  readonly setting: string
}

/** The forms, as messages and documentation show them. */
export const accountForms: Readonly<Record<AccountKind, string>> = {
  aws: '{"access_key_id": "...", "secret_access_key": "..."} (with "session_token" where it is temporary), or a Bedrock API key',
  google: "a service account's JSON file, application-default credentials of a user, or the word metadata on a machine of Google's cloud",
  entra: '{"tenant_id": "...", "client_id": "...", "client_secret": "..."}, or a key of the resource',
}

/** The same credential with its account. Throws `ConfigError` for JSON that is no such account, and where only accounts will do. */
export function withAccount(credential: Credential, kind: AccountKind | undefined, context: Context): Credential {
  if (kind === undefined || credential.secret === '') return credential
  const account = accountOf(credential.secret, kind, context)
  return account === undefined ? credential : { ...credential, account }
}

function accountOf(secret: string, kind: AccountKind, context: Context): Account | undefined {
  if (kind === 'google' && secret === 'metadata')
    return { kind: 'google-metadata', origin: `http://${context.env['GCE_METADATA_HOST']?.trim() || 'metadata.google.internal'}` }
  if (!secret.startsWith('{')) {
    if (kind !== 'google') return undefined
    throw fault(context, `is no account of Google's cloud, which takes no keys here: send ${accountForms.google}.`)
  }
  const fields = parsed(secret)
  if (fields === undefined) throw fault(context, `begins as JSON and is none: send ${accountForms[kind]}.`)
  switch (kind) {
    case 'aws':
      return awsAccount(fields, context)
    case 'google':
      return googleAccount(fields, context)
    case 'entra':
      return entraAccount(fields, context)
    default:
      return kind satisfies never
  }
}

function awsAccount(fields: JsonObject, context: Context): Account {
  known(fields, ['access_key_id', 'secret_access_key', 'session_token', 'region', 'service'], context)
  const place = placeOf(new URL(context.origin).hostname)
  const region = text(fields, 'region', context, true) ?? place?.region
  if (region === undefined)
    throw fault(
      context,
      `needs a "region" beside its keys: ${context.origin} does not say which one, as https://bedrock-runtime.us-east-1.amazonaws.com does.`,
    )
  const sessionToken = text(fields, 'session_token', context, true)
  return {
    kind: 'aws',
    accessKeyId: text(fields, 'access_key_id', context),
    secretAccessKey: text(fields, 'secret_access_key', context),
    ...(sessionToken === undefined ? {} : { sessionToken }),
    region,
    service: text(fields, 'service', context, true) ?? place?.service ?? 'bedrock',
  }
}

/** Hosts of Bedrock, also behind VPC endpoints: `bedrock-runtime.us-east-1.amazonaws.com`, `bedrock-mantle.us-east-1.api.aws`. */
function placeOf(hostname: string): { readonly region: string; readonly service: string } | undefined {
  const [, name, region] =
    /(?:^|\.)(bedrock[a-z-]*)\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.exec(hostname) ?? []
  if (name === undefined || region === undefined) return undefined
  return { region, service: name === 'bedrock-mantle' ? name : 'bedrock' }
}

const googleTokenUrl = 'https://oauth2.googleapis.com/token'

function googleAccount(fields: JsonObject, context: Context): Account {
  const type = fields['type']
  const tokenUrl = text(fields, 'token_uri', context, true) ?? googleTokenUrl
  if (!/^https?:$/.test(URL.parse(tokenUrl)?.protocol ?? '')) throw fault(context, 'has a "token_uri" that is no http or https address.')
  if (type === 'service_account')
    return {
      kind: 'google-service-account',
      clientEmail: text(fields, 'client_email', context),
      privateKey: text(fields, 'private_key', context),
      tokenUrl,
    }
  if (type === 'authorized_user') {
    const quotaProject = text(fields, 'quota_project_id', context, true)
    return {
      kind: 'google-user',
      clientId: text(fields, 'client_id', context),
      clientSecret: text(fields, 'client_secret', context),
      refreshToken: text(fields, 'refresh_token', context),
      tokenUrl,
      ...(quotaProject === undefined ? {} : { quotaProject }),
    }
  }
  const said = typeof type === 'string' ? `is of the type ${JSON.stringify(type.slice(0, 40))}` : 'has no "type"'
  throw fault(context, `${said}, and service_account and authorized_user are taken: send ${accountForms.google}.`)
}

/** https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud (2026-11) */
const clouds = [
  { suffix: 'azure.com', login: 'login.microsoftonline.com' },
  { suffix: 'azure.us', login: 'login.microsoftonline.us' },
  { suffix: 'azure.cn', login: 'login.partner.microsoftonline.cn' },
] as const

function entraAccount(fields: JsonObject, context: Context): Account {
  known(fields, ['tenant_id', 'client_id', 'client_secret', 'authority_host', 'scope'], context)
  const { hostname } = new URL(context.origin)
  const { suffix, login } = clouds.find(({ suffix: end }) => hostname.endsWith(`.${end}`)) ?? clouds[0]
  const written = text(fields, 'authority_host', context, true) ?? login
  const authority = URL.parse(/^https?:\/\//.test(written) ? written : `https://${written}`)
  if (authority === null) throw fault(context, 'has an "authority_host" that is no address.')
  return {
    kind: 'entra',
    tenantId: text(fields, 'tenant_id', context),
    clientId: text(fields, 'client_id', context),
    clientSecret: text(fields, 'client_secret', context),
    authority: authority.origin,
    scope: text(fields, 'scope', context, true) ?? `https://cognitiveservices.${suffix}/.default`,
  }
}

function parsed(secret: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(secret)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function text(fields: JsonObject, name: string, context: Context): string
function text(fields: JsonObject, name: string, context: Context, optional: true): string | undefined
function text(fields: JsonObject, name: string, context: Context, optional?: true): string | undefined {
  const value = fields[name]
  if (value === undefined && optional === true) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw fault(context, value === undefined ? `has no "${name}".` : `has a "${name}" that is not text.`)
}

function known(fields: JsonObject, names: readonly string[], context: Context): void {
  const other = Object.keys(fields).find((name) => !names.includes(name))
  if (other === undefined) return
  const near = didYouMean(nearestNames(other, names, 1))
  throw fault(context, `has ${JSON.stringify(other.slice(0, 40))}, which is not known here.${near || ` Known: ${names.join(', ')}.`}`)
}

function fault({ named, setting }: Context, rest: string): ConfigError {
  return new ConfigError(setting, `${named} ${rest}`)
}

/** Every text of a credential that must not be seen: the secret, and of an account each of its fields that is one. */
export function* secretTexts({ secret, account }: Credential): Generator<string> {
  if (secret !== '') yield secret
  switch (account?.kind) {
    case 'aws':
      yield account.secretAccessKey
      if (account.sessionToken !== undefined) yield account.sessionToken
      return
    case 'google-service-account':
      yield account.privateKey
      return
    case 'google-user':
      yield account.clientSecret
      yield account.refreshToken
      return
    case 'entra':
      yield account.clientSecret
      return
    case 'google-metadata':
    case undefined:
      return
    default:
      account satisfies never
  }
}
