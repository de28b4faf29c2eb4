// `turnpike init`: from nothing to a home with a provider and a key, and what to type next. Safe to be run again.
import { Command } from 'commander'
import type { KeyCreated, KeyView, ModelView, ProviderView } from '#control'
import { readSettings } from '#config'
import { isOwnKey } from '#telemetry'
import { allPages, type AdminClient } from './admin-client.ts'
import { reachableHost, typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { probeNeighbour, readInstanceNote } from './instance.ts'
import { probe, probeLines } from './provider-probe.ts'
import { addProvider } from './providers-add.ts'
import { requestLines } from './greeting.ts'
import { plain } from './words.ts'

type InitOptions = InstanceOptions & { readonly yes?: true; readonly test: boolean }

const examples = `
Examples:
  turnpike init
  turnpike init --yes                                     asks nothing: takes the vendor keys that are set here
  OPENAI_API_KEY=sk-... turnpike init --yes --json

Makes the home, adds providers, makes a gateway key if there is none, and says what to type next. What is there already
stays as it is.
`

export function initCommand(context: CliContext): Command {
  const { terminal } = context
  const init = new Command('init')
    .description('first steps: a home, a provider, a key')
    .option('-y, --yes', 'ask nothing')
    .option('--no-test', "don't try whether the providers answer")
  return addInstanceOptions(init, 'what there is now, as JSON')
    .addHelpText('after', examples)
    .action(async (options: InitOptions) => {
      const { home, host, port, publicUrl } = readSettings({ overrides: { home: options.home }, asClient: true })
      const typed = typedFor(context, options)
      const say = options.json === true ? () => {} : terminal.line
      const client = await context.connect({ ...options, needs: 'create' })
      say(`Home: ${home}`)
      const asking: CliContext = options.yes === true || options.json === true ? { ...context, prompts: undefined } : context
      const providers = await provided(asking, client, options, say)
      const key = await firstKey(client)
      const note = await readInstanceNote(home)
      const isRunning = note !== undefined && (await probeNeighbour(note.url))?.kind === 'turnpike'
      const url = publicUrl ?? (isRunning ? note.url : `http://${reachableHost(host)}:${port}`)
      const exampleModel = await exampleOf(client, providers)
      if (options.json === true) {
        return terminal.line(
          JSON.stringify({
            home,
            url,
            running: isRunning,
            providers: providers.map(({ slug, origin }) => ({ slug, origin })),
            gateway_key: key?.key ?? null,
            example_model: exampleModel ?? null,
          }),
        )
      }
      say('')
      say(
        key === undefined
          ? `Gateway key: one that was made before; another: ${typed('keys create')}`
          : `Gateway key: ${terminal.paint('bold', key.key)}`,
      )
      if (key !== undefined) say('  It is shown this once; only its hash is kept.')
      say('')
      if (!isRunning) say(`Start it:        ${terminal.paint('bold', typed('up'))}`)
      say(`What happened:   ${typed('requests list')}`)
      say(`What is wrong:   ${typed('doctor')}`)
      say('')
      for (const line of requestLines(url, key?.key, exampleModel, isRunning ? 'A request' : 'A request, once it runs')) say(line)
    })
}

/** Those that are there and those that are added now, each tried. */
async function provided(
  context: CliContext,
  client: AdminClient,
  options: InitOptions,
  say: (text: string) => void,
): Promise<ProviderView[]> {
  const { prompts, terminal } = context
  const { wishFor } = await import('./provider-wish.ts')
  const read = async () => (await allPages<ProviderView>(client, 'providers')).toSorted((a, b) => a.priority - b.priority)
  const before = await read()
  for (const provider of before.filter(({ origin }) => origin !== 'built-in')) {
    const source = provider.origin === 'environment' ? ` (${provider.credentials.map(({ env, name }) => env ?? name).join(', ')})` : ''
    say(`Provider: ${provider.slug}${source}`)
    if (options.test) for (const line of probeLines(provider.slug, await probe(client, provider.slug))) say(`  ${line}`)
  }
  for (const [vendor, variable] of await keysHere(context, before)) {
    const question = `${variable} is set here. Add ${vendor}? (A copy of the key is kept, encrypted.)`
    if (prompts !== undefined && !(await prompts.confirm(question))) continue
    // The instance that runs was started without this variable: what is kept is the key.
    const wish = await wishFor({ ...context, prompts: undefined, readStdin: async () => context.env[variable]! }, vendor, {
      keyStdin: true,
    })
    await addProvider({ ...context, terminal: { ...terminal, line: say } }, client, wish, options)
  }
  let providers = await read()
  while (prompts !== undefined) {
    const isEmpty = providers.every(({ origin }) => origin === 'built-in')
    if (!(await prompts.confirm(isEmpty ? 'Add a provider now?' : 'Add another provider?', isEmpty))) break
    await addProvider(context, client, await wishFor(context, undefined, {}), options)
    providers = await read()
  }
  if (providers.every(({ origin }) => origin === 'built-in')) {
    say(
      `Provider: none yet; the built-in simulator answers, free and without network. Add one: ${typedFor(context, options)('providers add')}`,
    )
  }
  return providers
}

/** Vendor keys in this shell (not the gateway's own, which its clients have there) that no provider stands for, as when the instance was started without them. */
async function keysHere({ env }: CliContext, providers: readonly ProviderView[]): Promise<[vendor: string, variable: string][]> {
  const { vendors } = await import('#catalog')
  const taken = new Set(providers.map(({ vendor }) => vendor))
  return [...vendors.values()].flatMap(({ id, baseUrl, registeredBy }): [string, string][] => {
    const variable = registeredBy.find((one) => (env[one] ?? '').trim() !== '' && !isOwnKey(env[one]!.trim()))
    return variable === undefined || taken.has(id) || baseUrl === undefined ? [] : [[id, variable]]
  })
}

/** undefined: there is one already. */
async function firstKey(client: AdminClient): Promise<KeyCreated | undefined> {
  const keys = await allPages<KeyView>(client, 'keys')
  return keys.some(({ state }) => state === 'active') ? undefined : client.send<KeyCreated>('POST', 'keys', { name: 'first' })
}

/** The cheapest model for conversations of the first provider that has one, else the simulator's echo. */
async function exampleOf(client: AdminClient, providers: readonly ProviderView[]): Promise<string | undefined> {
  const rate = ({ price }: ModelView) =>
    price === null || price === 'free' ? 0 : Number(price['input_per_million_usd'] ?? 0) + Number(price['output_per_million_usd'] ?? 0)
  for (const { slug, origin } of providers) {
    if (origin === 'built-in') continue
    const models = await allPages<ModelView>(client, 'models', { provider: slug })
    const talkers = models.filter(
      ({ allowed, price, capabilities, output_modalities: kinds }) =>
        allowed && price !== null && capabilities.includes('tools') && kinds.every((kind) => kind === 'text'),
    )
    const [cheapest = models.find(({ allowed, price_source: source }) => allowed && source === 'custom')] = talkers.toSorted(
      (a, b) => rate(a) - rate(b),
    )
    if (cheapest !== undefined) return plain(`${slug}/${cheapest.id}`)
  }
  return providers.some(({ slug }) => slug === 'sim') ? 'sim/echo' : undefined
}
