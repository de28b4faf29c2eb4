// `turnpike providers list` and `show`: where each provider comes from, what it has, without its secrets, and how it is doing.
import { Command } from 'commander'
import type { CredentialView, ProviderView } from '#control'
import type { List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { healthLines, healthWords, type ProviderHealth } from './provider-health.ts'
import { addInstanceOptions, printFields, printList, type InstanceOptions } from './instance-options.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatCount, formatTime, plain, shorten } from './words.ts'

const listExamples = `
Examples:
  turnpike providers list
  turnpike providers list --json | jq -r '.data[] | select(.health.state == "down") | .slug'
`

/** As the admin API answers it. */
type ListedProvider = ProviderView & { readonly health?: ProviderHealth }

const showExamples = `
Examples:
  turnpike providers show openai
`

export function listProvidersCommand(context: CliContext): Command {
  const { terminal, connect } = context
  return addInstanceOptions(new Command('list').description('every provider, where its key comes from, and how it is doing'))
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions) => {
      const list = await (await connect(options)).get<List<ListedProvider>>('providers')
      printList(
        terminal,
        options,
        list,
        providerColumns(terminal, context.nowMs()),
        `There is no provider. Add one: ${typedFor(context, options)('providers add')}`,
      )
    })
}

export function showProviderCommand({ terminal, connect, nowMs }: CliContext): Command {
  return addInstanceOptions(new Command('show').description('one provider in full').argument('<slug>', 'its name in the list'))
    .addHelpText('after', showExamples)
    .action(async (slug: string, options: InstanceOptions) => {
      const provider = await (await connect(options)).get<ListedProvider>(`providers/${encodeURIComponent(slug)}`)
      if (options.json === true) terminal.line(JSON.stringify(provider))
      else printProvider(terminal, provider, nowMs())
    })
}

const origins: Record<ProviderView['origin'], string> = {
  file: 'turnpike.yaml',
  stored: 'added here',
  environment: 'environment',
  'built-in': 'built in',
}

function providerColumns(terminal: Terminal, nowMs: number): Column<ListedProvider>[] {
  return [
    { title: 'PROVIDER', of: ({ slug }) => slug },
    { title: 'VENDOR', of: ({ vendor }) => vendor },
    {
      title: 'KEY',
      of: ({ credentials }) => (credentials.length === 0 ? 'none' : shorten(credentials.map(credentialWords).join(', '), 48)),
      paint: (text, { credentials }) => terminal.paint(credentials.some(({ trouble }) => trouble !== undefined) ? 'red' : 'none', text),
    },
    { title: 'MODELS', of: ({ models }) => formatCount(models.known), align: 'right' },
    {
      title: 'HEALTH',
      of: ({ health }) => healthWords(health, nowMs),
      paint: (text, { health }) =>
        terminal.paint(health?.state === 'down' ? 'red' : health?.state === 'degraded' ? 'yellow' : 'none', text),
    },
    { title: 'PRIORITY', of: ({ priority }) => String(priority), align: 'right' },
    { title: 'FROM', of: ({ origin }) => origins[origin] },
    { title: 'BASE URL', of: ({ base_url: url }) => plain(url) },
  ]
}

function credentialWords({ name, env, last4, trouble }: CredentialView): string {
  if (trouble !== undefined) return `${plain(name)}: not usable`
  return `${env === undefined ? '' : `$${env} `}${last4 === null ? 'set' : `...${last4}`}`
}

function printProvider(terminal: Terminal, provider: ListedProvider, nowMs: number): void {
  const { models, timeouts } = provider
  printFields(terminal, [
    ['provider', provider.slug],
    ['vendor', provider.vendor],
    ['base URL', plain(provider.base_url)],
    ['wires', Object.entries(provider.wires).map(([wire, path]) => `${wire} ${plain(path)}`).join(', ')], // prettier-ignore
    ...provider.credentials.map((credential) => ['key', `${plain(credential.name)}: ${plain(credential.trouble ?? credentialWords(credential))}`] as const),
    ['health', healthWords(provider.health, nowMs)],
    ...healthLines(provider.health, nowMs).map((line) => ['trouble', line] as const),
    ['headers', plain(Object.entries(provider.headers).map(([name, value]) => `${name}: ${value}`).join(', '))], // prettier-ignore
    ['models', `${formatCount(models.known)} known`],
    ['only', models.allow === undefined ? undefined : plain(models.allow.join(', '))],
    ['never', models.deny === undefined ? undefined : plain(models.deny.join(', '))],
    ['own models', models.custom === undefined ? undefined : plain(models.custom.map((one) => (one as { id?: string }).id ?? '?').join(', '))],
    ['priority', String(provider.priority)],
    ['price times', provider.price_multiplier],
    ['timeouts', `connect ${timeouts.connect_ms} ms, first token ${timeouts.first_token_ms === null ? 'default' : `${timeouts.first_token_ms} ms`}, idle ${timeouts.idle_ms} ms, whole ${timeouts.request_timeout} ms`],
    ['private address', provider.allow_private_network ? 'allowed' : undefined],
    ['from', origins[provider.origin]],
    ['changed', provider.updated_at === null ? undefined : formatTime(provider.updated_at)],
  ]) // prettier-ignore
}
