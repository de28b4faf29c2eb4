// Finds the corpus of recorded traffic, and reads it. It is not part of the project: tests without it are skipped, except in CI.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { JsonObject } from '#kernel'

const projectRoot = path.resolve(import.meta.dirname, '..', '..')
const root = process.env['TURNPIKE_CORPUS'] ?? path.resolve(projectRoot, '..', 'shared', 'corpus')

/** The path of a file or folder of the corpus; undefined when it isn't there. */
export function corpusPath(...segments: string[]): string | undefined {
  const found = path.join(root, ...segments)
  return existsSync(found) ? found : undefined
}

/**
 * For `test(title, { skip: skipWithoutCorpus }, ...)`: a sentence when there is no corpus, else false. In CI it is always false, so
 * that those tests fail instead of passing unseen.
 */
export const skipWithoutCorpus: string | false =
  corpusPath('README.md') !== undefined || process.env['CI'] === 'true'
    ? false
    : 'the corpus of recorded traffic is not here; set TURNPIKE_CORPUS to its folder'

/** One recorded HTTP exchange. `resp.body` is base64 when `resp.kind` is `aws-eventstream`. */
export type Exchange = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly method: string
  readonly host: string
  readonly path: string
  readonly req: { readonly headers: Readonly<Record<string, string>>; readonly kind: string; readonly body_text: string | null }
  readonly resp: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly kind: string
    readonly body: string
  }
  readonly features: readonly string[]
  readonly model: string | null
}

/** What an exchange says, whatever its protocol. Absent and null both mean unknown. */
export type Canon = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly stream: boolean
  readonly status: number
  readonly model?: string | null
  readonly text?: string
  readonly reasoning?: string
  readonly tool_calls?: readonly { readonly id?: string | null; readonly name: string; readonly args: string }[]
  readonly finish?: string | null
  readonly finish_raw?: string | null
  readonly usage?: Readonly<Record<string, number | null>> | null
  readonly usage_raw?: JsonObject | null
  readonly error?: unknown
  readonly [key: string]: unknown
}

/** Bytes of a file of the corpus; throws when it isn't there. */
export function readCorpus(...segments: string[]): Buffer {
  const found = corpusPath(...segments)
  if (found === undefined) throw new Error(`The corpus has no ${segments.join('/')} (looked in ${root}; TURNPIKE_CORPUS overrides).`)
  return readFileSync(found)
}

/** The values of a `.jsonl` or `.jsonl.gz` file of the corpus. */
export function* readJsonLines<T = JsonObject>(...segments: string[]): Generator<T> {
  const bytes = readCorpus(...segments)
  const text = (segments.at(-1)!.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  for (const line of text.split('\n')) if (line.trim() !== '') yield JSON.parse(line) as T
}

/** The recorded exchanges that the filter accepts, file by file. */
export function* readExchanges(filter: (exchange: Exchange) => boolean = () => true): Generator<Exchange> {
  const folder = corpusPath('exchanges')
  if (folder === undefined) throw new Error('The corpus has no exchanges; TURNPIKE_CORPUS names its folder.')
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.jsonl.gz')) continue
    for (const exchange of readJsonLines<Exchange>('exchanges', file)) if (filter(exchange)) yield exchange
  }
}

/** What each recorded exchange says, by its id. */
export function readCanon(): Map<string, Canon> {
  const canon = new Map<string, Canon>()
  for (const row of readJsonLines<Canon>('canon', 'canon.jsonl.gz')) canon.set(row.id, row)
  return canon
}
