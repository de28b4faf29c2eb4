// `turnpike requests show`: one request, told in a sentence and then in full; without an id the newest one.
import { Argument, Command, Option } from 'commander'
import { timeOfRequestId } from '#kernel'
import type { RequestDetail } from '#store'
import type { AdminClient } from './admin-client.ts'
import type { CliContext, ConnectionOptions } from './context.ts'
import { CliFailure, misused } from './failure.ts'
import { storyLines } from './request-story.ts'
import type { Terminal } from './terminal.ts'
import { plain, plainLines } from './words.ts'

type Part = 'request' | 'response'
type ShowOptions = ConnectionOptions & { readonly payload?: true | Part; readonly json?: true }

const examples = `
Examples:
  turnpike requests show                                the newest request
  turnpike requests show 01kagc3x                       an id, or the beginning of one
  turnpike requests show 01kagc3x --payload             with both bodies
  turnpike requests show 01kagc3x --payload response > answer.txt
`

export function showCommand({ terminal, connect, command }: CliContext): Command {
  return new Command('show')
    .description('one request: who served it, every attempt, its cost line by line')
    .addArgument(new Argument('[id]', 'id of a request or its beginning; the newest request when left out'))
    .addOption(
      new Option('--payload [part]', 'with the stored bodies; request or response alone prints that body as it is').choices([
        'request',
        'response',
      ]),
    )
    .option('--json', 'the answer of the admin API')
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .addHelpText('after', examples)
    .action(async (id: string | undefined, options: ShowOptions) => {
      if (options.json === true && options.payload !== undefined)
        throw misused('--json and --payload exclude each other; ask for the body alone with --payload response.')
      const client = await connect(options)
      const detail = await findRequest(client, id, command)
      if (options.json === true) return terminal.line(JSON.stringify(detail))
      if (typeof options.payload === 'string') return printBody(terminal, await bodyOf(client, detail.id, options.payload))
      for (const line of storyLines(detail, terminal)) terminal.line(line)
      if (options.payload === true)
        for (const part of ['request', 'response'] as const) await printTitledBody(terminal, client, detail.id, part)
    })
}

/** Throws a `CliFailure` when there is none, or several whose ids begin so. */
async function findRequest(client: AdminClient, id: string | undefined, command: string): Promise<RequestDetail> {
  const wanted = id === undefined ? await newestId(client) : id.toLowerCase()
  const exact = await client.getRequest(wanted)
  if (exact !== undefined) return exact
  const [first, second] = wanted.length >= 26 ? [] : await idsBeginningWith(client, wanted)
  if (first === undefined)
    throw new CliFailure(`There is no request whose id is or begins with '${plain(wanted)}'. See: ${command} requests list`)
  if (second !== undefined)
    throw new CliFailure(`Several requests begin with '${plain(wanted)}' (${first}, ${second}, ...); write more of the id.`)
  const found = await client.getRequest(first)
  if (found === undefined) throw new CliFailure(`The request ${first} has just been removed by the retention.`)
  return found
}

async function newestId(client: AdminClient): Promise<string> {
  const [newest] = (await client.listRequests({ limit: '1' })).data
  if (newest === undefined) throw new CliFailure('There is no request yet. Send one as the start of the gateway printed it.')
  return newest.id
}

/** Ids begin with their time, so that a beginning is a span of time; those of one span are compared here. */
async function idsBeginningWith(client: AdminClient, beginning: string): Promise<string[]> {
  const fromMs = timeOfRequestId(beginning.padEnd(26, '0'))
  const toMs = timeOfRequestId(beginning.padEnd(26, 'z'))
  if (beginning.length < 4 || fromMs === undefined || toMs === undefined) return []
  const page = await client.listRequests({ from: isoOf(fromMs - 1000), to: isoOf(toMs + 1000), limit: '1000' })
  return page.data.map((row) => row.id).filter((id) => id.startsWith(beginning))
}

/** The end of the year 9999: later years have another form. */
const lastMs = 253_402_300_799_999

function isoOf(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), lastMs)).toISOString()
}

async function bodyOf(client: AdminClient, id: string, part: Part): Promise<Uint8Array> {
  const payload = await client.getPayload(id, part)
  if (typeof payload === 'string') throw new CliFailure(payload)
  return payload
}

async function printTitledBody(terminal: Terminal, client: AdminClient, id: string, part: Part): Promise<void> {
  const payload = await client.getPayload(id, part)
  terminal.line('')
  terminal.line(terminal.paint('bold', part === 'request' ? 'Request body' : 'Response body'))
  if (typeof payload === 'string') terminal.line(plain(payload))
  else printBody(terminal, payload)
}

/** To a pipe byte for byte; to a person without what a terminal would obey. */
function printBody(terminal: Terminal, payload: Uint8Array): void {
  if (terminal.isTty) terminal.line(plainLines(new TextDecoder().decode(payload)))
  else terminal.bytes(payload)
}
