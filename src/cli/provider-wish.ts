// What a person or a script wants to add: the vendor, the address and the key, from options, stdin, the environment or answers.
import { readFileSync } from 'node:fs'
import { accountForms, genericVendor, vendorOfKey, vendors, type Vendor } from '#catalog'
import { secretInEnvironment } from '#config'
import { nearestNames } from '#kernel'
import { isPrivateAddress } from '#upstream'
import type { CliContext } from './context.ts'
import { CliFailure, misused } from './failure.ts'

export type WishOptions = {
  readonly slug?: string
  readonly baseUrl?: string
  readonly keyEnv?: string
  readonly keyStdin?: true
  readonly model?: string[]
  readonly wire?: string[]
  readonly priority?: string
  readonly allowPrivateNetwork?: true
}

export type ProviderWish = {
  readonly slug: string
  readonly vendor: Vendor
  /** The body of `PUT /providers/{slug}`; holds the key. */
  readonly body: Readonly<Record<string, unknown>> & { readonly credentials?: readonly WishedCredential[] }
}

export type WishedCredential = { readonly name?: string; readonly value?: string; readonly env?: string }

type WishContext = Pick<CliContext, 'prompts' | 'readStdin' | 'env' | 'command' | 'terminal'>

/** Asks for what was not said, where somebody is there to answer; else it is misuse that names the option. */
export async function wishFor(context: WishContext, vendorName: string | undefined, options: WishOptions): Promise<ProviderWish> {
  if (options.keyEnv !== undefined && options.keyStdin === true) throw misused('--key-env and --key-stdin exclude each other.')
  const piped = options.keyStdin === true ? oneWord(await context.readStdin(), 'What came in on stdin') : undefined
  const early = piped ?? (vendorName === undefined && options.baseUrl === undefined ? await pastedKey(context, options) : undefined)
  const vendor = await vendorFor(context, vendorName, options, early)
  const slug = await slugFor(context, vendor, options)
  const baseUrl = await addressFor(context, vendor, options)
  const credential = await credentialFor(context, vendor, options, early)
  if (credential?.value !== undefined) await checkVendorOf(context, credential.value, vendor)
  const address = baseUrl ?? vendor.baseUrl
  const isAllowed = options.allowPrivateNetwork === true || (address !== undefined && isPrivate(address) && (await mayBePrivate(context, vendor, address))) // prettier-ignore
  return {
    slug,
    vendor,
    body: {
      vendor: vendor.id,
      ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
      ...(credential === undefined ? {} : { credentials: [credential] }),
      ...(options.wire === undefined ? {} : { wires: options.wire }),
      ...(options.model === undefined ? {} : { models: { custom: options.model.map((id) => ({ id })) } }),
      ...(options.priority === undefined ? {} : { priority: wholeNumber('--priority', options.priority) }),
      ...(isAllowed ? { allow_private_network: true } : {}),
    },
  }
}

/** Where nothing was said a person may paste a key first: most say whose they are. */
async function pastedKey({ prompts }: WishContext, { keyEnv }: WishOptions): Promise<string | undefined> {
  if (prompts === undefined || keyEnv !== undefined) return undefined
  const pasted = await prompts.secret('Paste an API key (or press Enter to choose a provider first)', { optional: true })
  return pasted === '' ? undefined : oneWord(pasted, 'What was pasted')
}

async function vendorFor(context: WishContext, name: string | undefined, options: WishOptions, key: string | undefined): Promise<Vendor> {
  const { prompts, command } = context
  if (name !== undefined) return knownVendor(name, command)
  if (options.baseUrl !== undefined) return vendors.get(genericVendor)!
  const secret = key ?? context.env[options.keyEnv ?? '']
  const recognised =
    (options.keyEnv === undefined ? undefined : [...vendors.values()].find(({ keyVariables }) => keyVariables.includes(options.keyEnv!))) ??
    (secret === undefined ? undefined : vendorOfKey(secret))
  if (
    recognised !== undefined &&
    (prompts === undefined || (await prompts.confirm(`This is a key of ${recognised.name}. Add ${recognised.name}?`)))
  ) {
    return recognised
  }
  if (prompts === undefined) {
    throw misused(
      secret === undefined
        ? `Name a vendor, such as openai (see: ${command} providers vendors), or give --base-url.`
        : `Whose key this is cannot be seen from it: name the vendor too (see: ${command} providers vendors).`,
    )
  }
  const found = (vendor: Vendor) => vendor.keyVariables.find((variable) => isSet(context, variable))
  const sorted = [...vendors.values()].toSorted((a, b) => Number(found(b) !== undefined) - Number(found(a) !== undefined))
  return prompts.choose(
    'Which provider?',
    sorted.map((vendor) => ({
      value: vendor,
      label: vendor.id === genericVendor ? 'Another server with an OpenAI-compatible API' : vendor.name,
      hint: found(vendor) === undefined ? vendor.id : `${found(vendor)} is set here`,
    })),
  )
}

function knownVendor(name: string, command: string): Vendor {
  const vendor = vendors.get(name.toLowerCase())
  if (vendor !== undefined) return vendor
  if (vendorOfKey(name) !== undefined || name.length >= 32) {
    throw misused(
      'That looks like an API key, and what is typed on a command line stays in the history of the shell and is seen by every user of the machine while it runs. Replace it at its vendor, and give the new one with --key-stdin, or without any argument where it is asked for.',
    )
  }
  const [near] = nearestNames(name, vendors.keys(), 1)
  const meant = near === undefined ? '' : ` Did you mean ${near}?`
  throw misused(`'${name}' is not a vendor that is known by name.${meant} See: ${command} providers vendors; any compatible server can be added with --base-url.`) // prettier-ignore
}

async function slugFor({ prompts }: WishContext, vendor: Vendor, { slug }: WishOptions): Promise<string> {
  if (slug !== undefined) return slug
  if (vendor.id !== genericVendor) return vendor.id
  if (prompts === undefined) throw misused('A server of your own needs a name: --slug basement.')
  return prompts.text('A name for it (models are then asked for as name/model)', {
    check: (text) => (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) ? undefined : 'Lower-case letters, digits, dots, dashes and underscores.'),
  })
}

/** undefined: the vendor's own. */
async function addressFor({ prompts, env }: WishContext, vendor: Vendor, { baseUrl }: WishOptions): Promise<string | undefined> {
  if (baseUrl !== undefined) return baseUrl
  if (vendor.baseUrl !== undefined) return undefined
  const form = vendor.baseUrlForm ?? 'http://127.0.0.1:11434/v1'
  // As the variables here have it: the gateway may run where they are others.
  const found = vendor.address?.in(env)
  if (prompts === undefined) {
    if (found !== undefined) return found
    const variables = vendor.address === undefined ? '' : `, or ${vendor.address.variables.join(' and ')} in the environment`
    throw misused(`${vendor.name} needs its address: --base-url ${form}${variables}`)
  }
  const check = (text: string) => (/^https?:\/\/[^/<]/.test(text) && !text.includes('<') ? undefined : `An address such as ${form}`)
  const typed = await prompts.text(`Its base URL, such as ${form}`, { check, ...(found === undefined ? {} : { initial: found }) })
  const bare = URL.parse(typed)
  if (vendor.wires.get('openai-chat') === '/chat/completions' && bare !== null && bare.pathname === '/') {
    if (await prompts.confirm(`OpenAI-compatible servers have their API below /v1. Use ${bare.origin}/v1?`)) return `${bare.origin}/v1`
  }
  return typed
}

async function credentialFor(
  context: WishContext,
  vendor: Vendor,
  { keyEnv, baseUrl }: WishOptions,
  early: string | undefined,
): Promise<WishedCredential | undefined> {
  const { prompts, env } = context
  if (keyEnv !== undefined) return { name: keyEnv, env: keyEnv }
  if (early !== undefined) return { name: 'default', value: early }
  const isOptional = vendor.local === true || vendor.id === genericVendor
  const variable = vendor.keyVariables.find((one) => isSet(context, one))
  if (prompts === undefined) {
    if (isOptional) return undefined
    const way =
      variable === undefined ? `pipe it in with --key-stdin` : `--key-env ${variable} (it is set here), or pipe it in with --key-stdin`
    throw misused(`${vendor.name} needs a key: ${way}.`)
  }
  // A key of the vendor goes to the vendor's own address only, unless its owner says otherwise.
  if (
    variable !== undefined &&
    baseUrl === undefined &&
    (await prompts.confirm(`Use the key in ${variable}? (A copy is kept, encrypted.)`))
  ) {
    return { name: 'default', value: inEnvironment(env, variable) }
  }
  if (vendor.accounts === 'google') return { name: 'default', value: await googleAccount(prompts) }
  const where = vendor.docs === undefined ? '' : ` (${vendor.docs})`
  const typed = await prompts.secret(isOptional ? `Its API key, if it wants one` : keyQuestion(vendor, where), isOptional ? { optional: true } : {}) // prettier-ignore
  return typed === '' ? undefined : { name: 'default', value: oneWord(typed, 'What was entered') }
}

function keyQuestion({ name, accounts }: Vendor, where: string): string {
  return accounts === undefined ? `API key of ${name}${where}` : `Account of ${name}, in one line: ${accountForms[accounts]}`
}

/** Its JSON has many lines, which no prompt takes. */
async function googleAccount(prompts: NonNullable<WishContext['prompts']>): Promise<string> {
  const said = await prompts.text('Path of its JSON file (service account, or application-default credentials), or the word metadata', {
    check: (text) => (text === 'metadata' || readable(text) !== undefined ? undefined : 'There is no such file that can be read.'),
  })
  return said === 'metadata' ? said : oneWord(readable(said) ?? '', said)
}

function readable(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Of several variables where they make one account. */
function inEnvironment(env: WishContext['env'], variable: string): string {
  const { secret, trouble } = secretInEnvironment(env, variable)
  if (secret === undefined) throw misused(`${variable} ${trouble ?? 'is not set'}.`)
  return oneWord(secret, variable)
}

/** A key at the wrong vendor is refused there, and has then been shown to a stranger. */
async function checkVendorOf({ prompts, terminal }: WishContext, key: string, vendor: Vendor): Promise<void> {
  const owner = vendorOfKey(key)
  if (owner === undefined || owner.id === vendor.id || vendor.id === genericVendor || vendor.local === true) return
  const doubt = `This looks like a key of ${owner.name}, not of ${vendor.name}.`
  if (prompts === undefined) return terminal.remark(`${doubt} It is stored all the same.`)
  if (!(await prompts.confirm(`${doubt} Use it for ${vendor.name} all the same?`, false))) throw new CliFailure('Nothing was added.')
}

async function mayBePrivate({ prompts }: WishContext, vendor: Vendor, address: string): Promise<boolean> {
  if (vendor.local === true) return true
  const { host } = new URL(address)
  if (prompts === undefined) throw misused(`${host} is an address of this machine or its network: allow that with --allow-private-network.`)
  return prompts.confirm(`${host} is an address of this machine or its network. May the gateway connect to it?`)
}

/** By how it is written; what a name resolves to is seen when it connects. */
function isPrivate(address: string): boolean {
  const name = URL.parse(address)?.hostname ?? ''
  return isPrivateAddress(name) || /\.(local|lan|internal)$/i.test(name)
}

function isSet({ env }: WishContext, variable: string): boolean {
  return (env[variable] ?? '').trim() !== ''
}

/** A key is one word, or an account's JSON; a line end around it is the clipboard's. */
export function oneWord(text: string, what: string): string {
  const key = text.trim()
  if (key === '') throw misused(`${what} is empty; a key is expected.`)
  // What is in it, the gateway checks.
  if (key.startsWith('{')) return key
  if (/\s/.test(key)) throw misused(`${what} has white space within it, which no key has.`)
  return key
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw misused(`${option} takes a whole number, not '${text}'.`)
  return Number(text)
}
