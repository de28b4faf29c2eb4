// Two hundred requests at once of every kind, and providers of which nearly a third of the answers go wrong: nothing hangs, nothing that was cut looks complete, and each request has one record of what really happened.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { codecOf } from '#wires'
import { clientRequest, clientScripts, errorAtEnd, eventsIn, looksComplete, providerOf, textIn } from '#test/client-scripts.ts'
import { faultSections, type FaultCell } from '#test/fault-cells.ts'
import { refusedPort, type FailingPort } from '#test/ports.ts'
import { adminToken, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type Answer, type Received, type ScriptedUpstream } from '#test/upstream.ts'

const seed = Number(process.env['CHAOS_SEED'] ?? 20261122)
const requests = 600
const concurrent = 200
const faultShare = 0.3
const leaveShare = 0.1
const largeShare = 0.03
/** No request takes longer than its attempts may, and time to spare on a busy machine. */
const longestMs = 30_000

/** One number of a sequence that the words choose: the same in each run, whatever comes first (mulberry32 over FNV-1a). */
function drawn(...words: readonly (string | number)[]): number {
  let state = seed ^ 0x811c9dc5
  for (const character of words.join(' ')) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193)
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

function pick<T>(list: readonly T[], ...words: readonly (string | number)[]): T {
  return list[Math.floor(drawn(...words) * list.length)]!
}

/** Providers, of every wire; the one without an upstream refuses connections. */
const providers: Readonly<Record<string, { readonly wire: ClientWire; readonly refused?: true }>> = {
  chat: { wire: 'openai-chat' },
  claude: { wire: 'anthropic-messages' },
  responses: { wire: 'openai-responses' },
  gemini: { wire: 'gemini' },
  spare: { wire: 'openai-chat' },
  gone: { wire: 'openai-chat', refused: true },
}
/** Who serves a model, in order. */
const models: Readonly<Record<string, readonly string[]>> = {
  alpha: ['chat', 'claude', 'spare'],
  beta: ['responses', 'gemini', 'chat'],
  gamma: ['gone', 'gemini', 'claude', 'responses'],
  delta: ['claude'],
  epsilon: ['gemini', 'spare', 'gone'],
  omega: ['chat', 'claude', 'responses', 'gemini', 'spare', 'gone'],
}

/** How some requests are routed: a slug of the file, or a config of their own. Whoever follows one asks for a model that everybody serves. */
const configs: Readonly<Record<string, JsonObject>> = {
  retrying: {
    retry: { attempts: 2, on_status_codes: [408, 429, 500, 502, 503, 529] },
    targets: [{ provider: '@chat' }, { provider: '@claude' }],
  },
  balanced: {
    strategy: { mode: 'loadbalance' },
    targets: [
      { provider: '@gemini', weight: 2 },
      { provider: '@responses', weight: 1 },
      { provider: '@gone', weight: 1 },
      { provider: '@spare', weight: 0 },
    ],
  },
  nested: {
    strategy: { mode: 'fallback', on_status_codes: [401, 403, 404, 429, 500, 502, 503, 529] },
    targets: [
      { provider: '@gone' },
      { strategy: { mode: 'loadbalance' }, retry: { attempts: 1 }, targets: [{ provider: '@chat' }, { provider: '@spare' }] },
      { provider: '@gemini' },
    ],
  },
}
const everybodys = 'omega'

/** Those that are faults of the last provider too: an empty answer is one when nobody else has more to say. */
const faultsOf: readonly FaultCell[] = faultSections
  .flatMap(({ cells }) => cells)
  .filter(({ answer, endings }) => answer !== undefined && (endings.includes('verdict') || endings.includes('interrupted')))
const encodings = ['gzip', 'br', 'deflate', 'zstd'] as const

/** What an upstream was asked and what it said. */
type Visit = { readonly slug: string; readonly request: Received; readonly fault: string | undefined; readonly text: string }
const visits = new Map<string, Visit[]>()

/** What a good answer to a request says; nobody else says it. */
const pieces = (marker: string, slug: string, visit: number): string[] => [
  `«${marker} `,
  `asked ${slug} `,
  `for the ${visit}. time `,
  'and was answered»',
]

function answer(request: Received): Answer {
  const slug = request.url.split('/')[1]!
  const { wire } = providers[slug]!
  const marker = /req-\d+/.exec(request.body.toString('latin1'))![0]
  const known = visits.get(marker) ?? []
  visits.set(marker, known)
  const visit = known.length
  const stream = request.url.includes(':stream') || (wire !== 'gemini' && request.json()['stream'] === true)
  const script = clientScripts[wire]
  const text = pieces(marker, slug, visit)
  if (drawn('fault', marker, slug, visit) < faultShare) {
    const mode = stream ? 'stream' : 'whole'
    const cell = pick(
      faultsOf.filter(({ modes }) => modes.includes(mode)),
      'which',
      marker,
      slug,
      visit,
    )
    known.push({ slug, request, fault: cell.name, text: '' })
    return cell.answer!(script, mode)
  }
  known.push({ slug, request, fault: undefined, text: text.join('') })
  const good = stream ? script.sse({ text }) : script.json({ text })
  return drawn('compressed', marker, slug, visit) < 0.1 ? { ...good, encoding: pick(encodings, 'encoding', marker) } : good
}

let upstream: ScriptedUpstream
let refused: FailingPort
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  refused = await refusedPort()
  upstream.route(() => true, answer)
  const declared = Object.entries(providers).map(([slug, { wire, refused: isRefused }]): [string, JsonObject] => {
    const served = Object.keys(models).filter((model) => models[model]!.includes(slug))
    return [
      slug,
      {
        ...providerOf(wire, `${isRefused === true ? refused.origin : upstream.origin}/${slug}`),
        models: {
          allow: served,
          custom: served.map((id) => ({
            id,
            max_output_tokens: 1000,
            price: { input_per_million_usd: String(1 + models[id]!.indexOf(slug)), output_per_million_usd: '10' },
          })),
        },
        timeouts: { connect_ms: 5000, first_token_ms: 3500, idle_ms: 3500, request_timeout: 20_000 },
      },
    ]
  })
  turnpike = await startTest({}, { declared: { providers: Object.fromEntries(declared), configs } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
  await refused.close()
})

type Ask = {
  readonly marker: string
  readonly wire: ClientWire
  readonly stream: boolean
  readonly model: string
  /** What its header says. */
  readonly config: string | undefined
  readonly leaves: number | undefined
}

function askOf(number: number): Ask {
  const marker = `req-${number}`
  const slug = drawn('config', marker) < 0.4 ? pick(Object.keys(configs), 'which config', marker) : undefined
  return {
    marker,
    wire: pick(clientWireNames, 'wire', marker),
    stream: drawn('stream', marker) < 0.6,
    model: slug === undefined ? pick(Object.keys(models), 'model', marker) : everybodys,
    config: slug !== undefined && drawn('inline', marker) < 0.5 ? JSON.stringify(configs[slug]) : slug,
    // After so many pieces of the answer; 0: before any.
    leaves: drawn('leaves', marker) < leaveShare ? pick([0, 0, 1, 2, 3], 'when', marker) : undefined,
  }
}

/** `status` 0: the client left before the head. */
type Heard = { readonly ask: Ask; readonly status: number; readonly body: string; readonly whole: boolean; readonly left: boolean }

async function play(ask: Ask): Promise<Heard> {
  const { marker, wire, stream, model, config, leaves } = ask
  const text = drawn('large', marker) < largeShare ? `${marker} ${'long '.repeat(70_000)}` : marker
  const { path, body } = clientRequest(wire, model, stream, text)
  const headers = { 'x-turnpike-session-id': marker, ...(config === undefined ? {} : { 'x-turnpike-config': config }) }
  const controller = new AbortController()
  const gone = leaves === 0 ? setTimeout(() => controller.abort(), 1 + drawn('after', marker) * 60) : undefined
  const heard = { ask, status: 0, body: '', whole: false, left: leaves !== undefined }
  try {
    const response = await turnpike.post(path, body, { signal: controller.signal, headers })
    heard.status = response.status
    const decoder = new TextDecoder()
    let chunks = 0
    for await (const chunk of response.body!) {
      heard.body += decoder.decode(chunk, { stream: true })
      if (leaves !== undefined && leaves > 0 && ++chunks >= leaves) controller.abort()
    }
    heard.whole = true
  } catch {
    // Cut, or left.
  }
  clearTimeout(gone)
  return heard
}

async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what} hangs (seed ${seed})`)), longestMs)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Whoever has asked before is served before, so that nothing is under way that these have not seen. */
async function untilIdle(): Promise<void> {
  let quiet = 0
  while (quiet < 3) {
    const metrics = await (await fetch(`${turnpike.url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })).text()
    quiet = /^turnpike_requests_running 0$/m.test(metrics) ? quiet + 1 : 0
  }
}

/** Visits as attempts: a kept-alive connection that died without a byte was tried once more on a fresh one, within the same attempt. */
function attemptsSeen(marker: string): Visit[] {
  const seen = visits.get(marker) ?? []
  return seen.filter((visit, i) => !(seen[i + 1]?.slug === visit.slug && diedIdle(visit)))
}

function diedIdle({ fault, request }: Visit): boolean {
  const dies = fault === 'closes the connection without an answer' || fault === 'resets the connection'
  return dies && upstream.received.some((other) => other !== request && other.connection === request.connection && other.end === 'answered')
}

function textOf({ ask, body }: Heard): string {
  if (ask.stream) return textIn(eventsIn(ask.wire, body))
  const { parts } = codecOf(ask.wire).egress.decodeResponse(JSON.parse(body) as JsonObject, {})
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function checkHeard(heard: Heard, record: RequestDetail, visited: readonly Visit[]): void {
  const { ask, status, body, whole, left } = heard
  if (status === 200 && whole && (!ask.stream || looksComplete(ask.wire, body))) {
    const last = visited.at(-1)!
    assert.equal(textOf(heard), last.text, 'it is exactly what the last provider sent, to its end')
    assert.equal(last.fault, undefined)
    if (!left) assert.equal(record.outcome, 'ok')
    assert.equal(record.provider, last.slug)
    return
  }
  assert.ok(!ask.stream || status !== 200 || !looksComplete(ask.wire, body) || left, `it does not look complete: ${body}`)
  if (left) {
    assert.ok(['cancelled', 'ok', 'upstream_error', 'client_error', 'interrupted'].includes(record.outcome))
    return
  }
  if (status === 200) {
    assert.equal(ask.stream, true, 'a whole answer is complete or an error')
    assert.equal(whole, false)
    assert.ok(errorAtEnd(ask.wire, body) !== undefined, `the error is in-band: ${body}`)
    assert.equal(record.outcome, 'interrupted')
    assert.ok(record.cost_usd !== null && Number(record.cost_usd) > 0)
  } else {
    assert.ok(whole && status >= 400, `${status}`)
    assert.ok((JSON.parse(body) as JsonObject)['error'] !== undefined)
    assert.ok(record.outcome === 'upstream_error' || record.outcome === 'client_error')
    assert.equal(Number(record.cost_usd ?? 0), 0)
  }
}

const gaveUp = ({ error }: RequestDetail['attempt_list'][number]): boolean => /timeout|client_closed/.test(error?.class ?? '')

/**
 * The visit of each attempt of the record that was seen; they must be all there are, and in its order. Only what was given up may be seen
 * late or never, when this machine is so busy that a provider gets to its connection after it was closed.
 */
function checkAttempts({ left }: Heard, record: RequestDetail, marker: string): Visit[] {
  const seen = attemptsSeen(marker)
  const told = record.attempt_list.filter(({ provider }) => providers[provider]!.refused !== true)
  const names = told.map(({ provider, error }) => `${provider} (${error?.class ?? 'answered'})`)
  const story = `${names.join(', ')} in the record, ${seen.map(({ slug }) => slug).join(', ')} seen`
  const places = new Map<Visit, number>()
  const take = (slug: string, place: number, suits: (visit: Visit) => boolean): boolean => {
    const found = seen.find((visit) => visit.slug === slug && !places.has(visit) && suits(visit))
    if (found !== undefined) places.set(found, place)
    return found !== undefined
  }
  let latest = -1
  for (const [place, attempt] of told.entries()) {
    if (gaveUp(attempt)) continue
    const isBehind = (visit: Visit): boolean => seen.indexOf(visit) > latest
    const { provider, error } = attempt
    const isLike = (visit: Visit): boolean => isBehind(visit) && (visit.fault === undefined) === (error === null)
    const isWhole = (visit: Visit): boolean => isLike(visit) && (error !== null || visit.request.end === 'answered')
    assert.ok(take(provider, place, isWhole) || take(provider, place, isLike) || take(provider, place, isBehind), story)
    latest = seen.indexOf([...places.keys()].at(-1)!)
  }
  for (const [place, attempt] of told.entries()) if (gaveUp(attempt)) take(attempt.provider, place, () => true)
  assert.equal(places.size, seen.length, story)
  const matched = [...places].toSorted(([, a], [, b]) => a - b)
  for (const [visit, place] of matched) {
    const failed = told[place]!.error?.class
    if (visit.fault === undefined) assert.ok(failed === undefined || gaveUp(told[place]!) || left, `${failed} of an answer that was good`)
    else assert.notEqual(failed, undefined, `a provider that ${visit.fault} was recorded as good`)
  }
  return matched.map(([visit]) => visit)
}

test(`${requests} requests, ${concurrent} at once (CHAOS_SEED=${seed})`, { timeout: 120_000 }, async () => {
  const asks = Array.from({ length: requests }, (_, number) => askOf(number))
  const heard: Heard[] = []
  const queue = asks.values()
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      for (const ask of queue) heard.push(await within(ask.marker, play(ask)))
    }),
  )
  // Who left at once may not have been heard yet.
  await within('a request that nobody waits for', untilIdle())
  // Whoever was left or given up is rid of its request.
  for (const { url, closed } of upstream.received) await within(url, closed)

  const rows = await turnpike.records()
  const bySession = Map.groupBy(rows, ({ session }) => session)
  const failures: string[] = []
  for (const one of heard) {
    const { marker } = one.ask
    const found = bySession.get(marker) ?? []
    try {
      // Who left before the request was read was never heard.
      if (one.left && one.status === 0 && found.length === 0 && !visits.has(marker)) continue
      assert.equal(found.length, 1, 'one record')
      const record = (await turnpike.record(String(found[0]!['id']))) as unknown as RequestDetail
      checkHeard(one, record, checkAttempts(one, record, marker))
    } catch (error) {
      const story = (visits.get(marker) ?? []).map(({ slug, fault }) => `${slug}: ${fault ?? 'good'}`)
      failures.push(`${JSON.stringify(one.ask)} ${one.status}\n  ${story.join('\n  ')}\n${(error as Error).message}`)
    }
  }
  assert.deepEqual(failures, [], failures.join('\n\n'))

  const all = [...visits.values()].flat()
  const faulty = all.filter(({ fault }) => fault !== undefined)
  assert.ok(faulty.length > all.length * 0.25 && faulty.length < all.length * 0.35, `${faulty.length} of ${all.length} answers were bad`)
  assert.ok(new Set(faulty.map(({ fault }) => fault)).size > faultsOf.length * 0.8, 'nearly every fault was there')
  const rescued = rows.filter(({ outcome, fallback }) => outcome === 'ok' && fallback === true).length
  assert.ok(rescued > 50, `${rescued} were rescued by another provider`)
  assert.ok(heard.filter(({ left }) => left).length > requests * leaveShare * 0.5)
  const followed = new Set(rows.map((row) => (row['config'] as JsonObject | null)?.['slug']))
  for (const slug of [...Object.keys(configs), 'inline']) assert.ok(followed.has(slug), `${slug} was followed`)
})
