// What dry runs and drills are asked about, as a command line gives it: a config, and a request that nobody sent.
import type { Command } from 'commander'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { pairs } from './instance-options.ts'
import { isInline, readJsonArgument } from './json-argument.ts'
import { plain } from './words.ts'

export type SampleOptions = {
  readonly model?: string
  readonly request?: string
  readonly endpoint?: string
  readonly key?: string
  readonly metadata?: Record<string, string>
  readonly header?: string[]
}

export function addSampleOptions(command: Command): Command {
  return command
    .option('--model <name>', 'a short conversation with this model')
    .option('--request <body>', "a request's body: a file, JSON, or - for stdin")
    .option('--endpoint <path>', 'where it would come in (default: /v1/chat/completions)')
    .option('--key <key>', 'id or name of the gateway key that it would come with')
    .option('--metadata <key=value>', 'of the request; several times for several', pairs)
    .option('--header <name:value>', 'of the request; several times for several', eachTime)
}

/** An option that may be given several times. */
function eachTime(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text]
}

/** A slug, a file, or JSON. */
export async function configOf(written: string | undefined, context: CliContext): Promise<object> {
  if (written === undefined) return {}
  const isFile = written === '-' || /[/\\]|\.json$/i.test(written)
  return isInline(written) || isFile ? { config: await readJsonArgument(written, 'a routing config', context) } : { slug: written }
}

/** `more`: fields of the body that is made of a model's name. */
export async function sampleOf(options: SampleOptions, context: CliContext, more: object = {}): Promise<object> {
  const { model, request, endpoint, key, metadata, header = [] } = options
  const body =
    request !== undefined
      ? await readJsonArgument(request, "a request's body", context)
      : model !== undefined
        ? { model, ...more, messages: [{ role: 'user', content: 'Hello' }] }
        : undefined
  const headers = {
    ...headersOf(header),
    ...(metadata === undefined ? {} : { 'x-turnpike-metadata': JSON.stringify(metadata) }),
  }
  return {
    ...(body === undefined ? {} : { body }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(key === undefined ? {} : { key }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  }
}

function headersOf(written: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    written.map((text) => {
      const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(text) ?? []
      if (name === undefined || value === undefined) throw misused(`--header takes name:value, not '${plain(text)}'.`)
      return [name.toLowerCase(), value]
    }),
  )
}
