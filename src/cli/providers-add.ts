// `turnpike providers add`: an account with a vendor, or any compatible server, tested as it is added.
import { Command, Option } from 'commander'
import type { ProviderView } from '#control'
import { wireNames } from '#ir'
import type { ProbeReport } from '#upstream'
import type { AdminClient } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, several, type InstanceOptions } from './instance-options.ts'
import { probe, probeLines } from './provider-probe.ts'
import type { ProviderWish, WishOptions } from './provider-wish.ts'
import { plain } from './words.ts'

type AddOptions = WishOptions & InstanceOptions & { readonly name?: string; readonly replace?: true; readonly test: boolean }

const examples = `
Examples:
  turnpike providers add                                       asks for everything
  turnpike providers add openai                                asks for the key
  turnpike providers add openai --key-stdin < key.txt
  turnpike providers add anthropic --key-env ANTHROPIC_API_KEY
  turnpike providers add ollama                                a local server, without a key
  turnpike providers add azure --base-url https://acme.openai.azure.com --key-stdin < key.txt
  turnpike providers add bedrock --base-url https://bedrock-runtime.eu-west-1.amazonaws.com --key-env AWS_ACCESS_KEY_ID
  turnpike providers add vertex --key-stdin < service-account.json     with GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION
  turnpike providers add --slug basement --base-url http://192.168.1.5:8000/v1 --model qwen3:8b --allow-private-network

There is no option that takes the key itself: what is typed on a command line stays in the shell's history, and every
user of the machine sees it while the command runs. --key-stdin keeps an encrypted copy; --key-env keeps the variable's
name, which the running gateway must then have in its own environment.
`

export function addProviderCommand(context: CliContext): Command {
  const add = new Command('add')
    .description('add an account with a vendor, or any compatible server, and test it')
    .argument('[vendor]', 'openai, anthropic, ...: see `providers vendors`')
    .option('--slug <slug>', "its name here, in front of its models: default the vendor's")
    .addOption(new Option('--name <slug>', 'the same as --slug').hideHelp())
    .option('--base-url <url>', "its address, if not the vendor's own")
    .option('--key-stdin', 'read the key from stdin')
    .option('--key-env <variable>', 'read the key from this variable, at each start of the gateway')
    .option('--model <id>', 'a model that it serves; several times for several', several)
    .option('--wire <wire>', `${wireNames.join(', ')}: if not what the vendor is known to speak`, several)
    .option('--priority <n>', 'lower is asked first (default: 100)')
    .option('--allow-private-network', 'it may be at an address of this machine or its network')
    .option('--replace', 'replace one that has this name')
    .option('--no-test', "don't try whether it answers")
  return addInstanceOptions(add, 'the provider and what the test said, as JSON')
    .addHelpText('after', examples)
    .action(async (vendor: string | undefined, { name, ...options }: AddOptions) => {
      const { wishFor } = await import('./provider-wish.ts')
      const wish = await wishFor(context, vendor, name === undefined ? options : { slug: name, ...options })
      const client = await context.connect({ ...options, needs: 'create' })
      const added = await addProvider(context, client, wish, options)
      if (added === undefined) return
      if (options.json === true) context.terminal.line(JSON.stringify({ provider: added.provider, test: added.report ?? null }))
      if (added.report?.ok === false) {
        throw new CliFailure(
          `${wish.slug} was added and does not work yet. Change it with --replace, or remove it: ${typedFor(context, options)(`providers remove ${wish.slug}`)}`,
        )
      }
    })
}

export type Added = { readonly provider: ProviderView; readonly report: ProbeReport | undefined }

/** Stores it and tries it. Where it fails a person may enter another key, keep it or drop it. undefined: nothing was added. */
export async function addProvider(
  { terminal, prompts }: CliContext,
  client: AdminClient,
  wish: ProviderWish,
  { replace, test, json }: Pick<AddOptions, 'replace' | 'test' | 'json'>,
): Promise<Added | undefined> {
  const path = `providers/${encodeURIComponent(wish.slug)}`
  const say = json === true ? terminal.remark : terminal.line
  const before = await client.find<ProviderView>(path)
  if (before?.origin === 'stored' && replace !== true) {
    const what = `There is a provider ${wish.slug} already (${before.vendor}, ${plain(before.base_url)}).`
    if (prompts === undefined) throw new CliFailure(`${what} Replace it with --replace, or choose another name with --slug.`)
    if (!(await prompts.confirm(`${what} Replace it?`, false))) {
      terminal.remark('Nothing was changed.')
      return undefined
    }
  }
  for (let body = wish.body; ;) {
    const provider = await client.send<ProviderView>('PUT', path, body)
    say(`${before === undefined ? 'Added' : 'Replaced'}: ${provider.slug} (${wish.vendor.name}, ${plain(provider.base_url)}).`)
    for (const { trouble } of provider.credentials) if (trouble !== undefined) terminal.remark(plain(trouble))
    if (!test) return { provider, report: undefined }
    const report = await probe(client, provider.slug)
    for (const line of probeLines(provider.slug, report)) say(terminal.paint(report.ok ? 'green' : 'red', line))
    if (report.ok || prompts === undefined) return { provider, report }

    const hasValue = body.credentials?.some(({ value }) => value !== undefined) === true
    const next = await prompts.choose<'key' | 'keep' | 'remove'>('What now?', [
      ...(hasValue ? [{ value: 'key', label: 'Enter another key' } as const] : []),
      { value: 'keep', label: 'Keep it as it is' },
      ...(before === undefined ? [{ value: 'remove', label: 'Remove it again' } as const] : []),
    ])
    if (next === 'keep') return { provider, report }
    if (next === 'remove') {
      await client.send('DELETE', path)
      terminal.line(`Removed: ${provider.slug}.`)
      return undefined
    }
    const { oneWord } = await import('./provider-wish.ts')
    body = {
      ...body,
      credentials: [{ name: 'default', value: oneWord(await prompts.secret(`API key of ${wish.vendor.name}`), 'What was entered') }],
    }
  }
}
