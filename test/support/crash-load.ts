// Clients and a provider for crash tests: every request carries a marker, and both ends remember what they saw of it.
import { setTimeout as delay } from 'node:timers/promises'
import { cut, waitFor, write, type Answer, type Step } from './answer.ts'
import { sseAnswer, wireScripts, type ErrorStatus, type ScriptedWire } from './scripts.ts'
import { createUpstream, type Received, type ScriptedUpstream } from './upstream.ts'

export type AskKind =
  /** One JSON body. */
  | 'whole'
  /** A stream as fast as it goes. */
  | 'fast'
  /** A stream of a piece every 50 ms, for seconds. */
  | 'slow'
  /** A stream whose provider says nothing of usage. */
  | 'uncounted'
  | 'refused'
  /** A stream that the provider cuts after some content. */
  | 'cut'
  /** A slow stream that its client leaves. */
  | 'left'

export type Usage = { readonly input: number; readonly cacheRead: number; readonly output: number }

/** One request, as the test planned it and as both ends saw it. Times are `performance.now()` of the test. */
export type Ask = {
  readonly marker: string
  readonly client: ScriptedWire
  readonly provider: ScriptedWire
  readonly kind: AskKind
  readonly stream: boolean
  readonly usage: Usage
  readonly status: ErrorStatus
  /** Pieces after which a client leaves or a provider cuts. */
  readonly until: number
  readonly body: string
  /** How often the provider got it. */
  reached: number
  /** Pieces of one token each that the provider has sent. */
  sent: number
  /** The provider has sent everything that it had to say. */
  said: boolean
  id: string | undefined
  statusHeard: number
  /** When the client heard each piece. */
  readonly heardMs: number[]
  /** The answer came whole: the transport says so, and a stream's terminal event too. */
  complete: boolean
  /** The connection ended without that, whoever's doing it was. */
  broken: boolean
}

/** The same numbers for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pieceEveryMs = 50
/** One token of every tokenizer in use, wherever it stands in a text of its kind. */
const piece = ' hello'
const wires: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const refusals: readonly ErrorStatus[] = [400, 429, 500]
/** Provider slugs of `crashConfig`. */
const slugs = { 'openai-chat': 'chat', 'anthropic-messages': 'claude' } as const
const gatewayKey = 'tp-crash-0123456789abcdef'

/** Nano-USD per token, as `crashConfig` declares them per million. */
export const nanoUsdPerToken = { input: 2000n, cacheRead: 500n, output: 10_000n } as const

/** What a declaration file says of the two providers at `origin`. JSON is YAML. */
export function crashConfig(origin: string): string {
  const custom = [
    {
      id: 'model-1',
      max_output_tokens: 1000,
      price: { input_per_million_usd: '2', output_per_million_usd: '10', cache_read_per_million_usd: '0.5' },
    },
  ]
  const credentials = [{ value: 'sk-provider-secret-1' }]
  return JSON.stringify({
    providers: {
      chat: { vendor: 'openai', base_url: `${origin}/v1`, credentials, models: { custom } },
      claude: { vendor: 'anthropic', base_url: origin, credentials, models: { custom } },
    },
    keys: [{ name: 'crash', value: gatewayKey }],
  })
}

export type CrashLoad = {
  readonly upstream: ScriptedUpstream
  /** Everything asked so far. */
  readonly asks: readonly Ask[]
  /** `clients` at once, each asking one request after another until the gateway is gone or `stop` was called. */
  start(url: string, clients: number): Clients
  /** One request of this kind, to its end. */
  ask(url: string, kind: AskKind): Promise<Ask>
  close(): Promise<void>
}

/** `stop` lets running requests end; `ended` resolves when both ends of all of them have. */
export type Clients = { stop(): void; readonly ended: Promise<void> }

export async function createCrashLoad(random: () => number): Promise<CrashLoad> {
  const asks: Ask[] = []
  const byMarker = new Map<string, Ask>()
  const upstream = await createUpstream()
  upstream.route(/./, (request) => {
    const marker = /crash-marker-\d+/.exec(request.body.toString('latin1'))?.[0]
    const ask = byMarker.get(marker ?? '')
    if (ask === undefined) throw new Error(`the provider got a request without a marker: ${request.url}`)
    ask.reached++
    return answerOf(ask, request)
  })

  function below(limit: number): number {
    return Math.floor(random() * limit)
  }

  function plan(kind: AskKind): Ask {
    const marker = `crash-marker-${asks.length}`
    const client = wires[below(2)]!
    const provider = wires[below(2)]!
    const stream = kind === 'whole' ? false : kind === 'refused' ? below(2) === 0 : true
    const output = kind === 'slow' || kind === 'left' ? 30 + below(90) : 1 + below(20)
    const input = 50 + below(500)
    const filler = 'lorem ipsum '.repeat(below(10) === 0 ? 2000 + below(4000) : below(100))
    const ask: Ask = {
      marker,
      client,
      provider,
      kind,
      stream,
      usage: { input, cacheRead: below(3) === 0 ? below(input) : 0, output },
      status: refusals[below(refusals.length)]!,
      until: kind === 'cut' ? 1 + below(output) : below(30),
      body: JSON.stringify({
        model: `${slugs[provider]}/model-1`,
        max_tokens: 500,
        ...(stream ? { stream } : {}),
        messages: [{ role: 'user', content: `${marker}: ${filler}` }],
      }),
      reached: 0,
      sent: 0,
      said: false,
      id: undefined,
      statusHeard: 0,
      heardMs: [],
      complete: false,
      broken: false,
    }
    asks.push(ask)
    byMarker.set(marker, ask)
    return ask
  }

  async function answerOf(ask: Ask, request: Received): Promise<Answer> {
    const script = wireScripts[ask.provider]
    const saying = { text: Array.from({ length: ask.usage.output }, () => piece), usage: ask.kind === 'uncounted' ? null : ask.usage }
    const said = waitFor(lazily(() => (ask.said = true)))
    if (ask.kind === 'refused') {
      ask.said = true
      return script.error(ask.status)
    }
    if (ask.kind === 'whole') {
      await delay(below(4) * below(60))
      ask.said = true
      ask.sent = ask.usage.output
      return script.json(saying)
    }
    const frames = script.frames(saying)
    const preamble = frames.slice(0, script.preambleFrames)
    const pieces = frames.slice(preamble.length, preamble.length + ask.usage.output)
    const paced = ask.kind === 'slow' || ask.kind === 'left'
    const steps: Step[] = []
    pieces.forEach((frame, n) => {
      if (paced) steps.push(waitFor(delay(n * pieceEveryMs)))
      // Counted before it is written: what arrives was counted.
      steps.push(waitFor(lazily(() => (request.end === undefined ? ask.sent++ : undefined))), write(frame))
    })
    if (ask.kind === 'cut') return sseAnswer(preamble, ...steps.slice(0, ask.until * 2), cut())
    return sseAnswer(preamble, ...steps, said, ...frames.slice(preamble.length + pieces.length).map(write))
  }

  async function run(url: string, ask: Ask): Promise<Ask> {
    const leaving = new AbortController()
    try {
      if (ask.kind === 'left' && ask.until === 0) setTimeout(() => leaving.abort(), 20)
      const response = await fetch(url + wireScripts[ask.client].path, {
        method: 'POST',
        headers: { authorization: `Bearer ${gatewayKey}`, 'content-type': 'application/json', 'x-turnpike-session-id': ask.marker },
        body: ask.body,
        signal: leaving.signal,
      })
      ask.id = response.headers.get('x-turnpike-request-id') ?? undefined
      ask.statusHeard = response.status
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of response.body!) {
        const fresh = decoder.decode(chunk, { stream: true })
        text += fresh
        if (ask.stream) for (let n = fresh.split('" hello"').length; n > 1; n--) ask.heardMs.push(performance.now())
        if (ask.kind === 'left' && ask.heardMs.length >= ask.until) leaving.abort()
      }
      ask.complete = !ask.stream || response.status !== 200 || /^data: \[DONE\]$|^event: message_stop$/m.test(text)
    } catch {
      ask.broken = true
    }
    return ask
  }

  const shortKinds: readonly AskKind[] = ['whole', 'whole', 'whole', 'fast', 'fast', 'fast', 'uncounted', 'refused', 'cut', 'left']

  return {
    upstream,
    asks,
    start(url, clients) {
      let stopped = false
      const from = upstream.received.length
      const loops = Array.from({ length: clients }, async (_, n) => {
        while (!stopped) {
          // Two in five hold slow streams, so that there is always something in the middle.
          const ask = await run(url, plan(n % 5 < 2 ? 'slow' : shortKinds[below(shortKinds.length)]!))
          if (ask.broken && ask.kind !== 'left' && ask.kind !== 'cut') return
          if (ask.broken && ask.id === undefined && ask.kind === 'cut') return
          await delay(below(3) * below(20))
        }
      })
      return {
        stop: () => void (stopped = true),
        ended: Promise.all(loops).then(async () => {
          await Promise.all(upstream.received.slice(from).map(({ closed }) => closed))
        }),
      }
    },
    ask: (url, kind) => run(url, plan(kind)),
    close: () => upstream.close(),
  }
}

/** A promise whose work begins when somebody waits for it. */
function lazily(work: () => unknown): Promise<void> {
  // oxlint-disable-next-line unicorn/no-thenable -- a step waits for what it is given; this one does something first.
  return { then: (resolve: () => void) => (work(), resolve()) } as unknown as Promise<void>
}
