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

/**
 * Whose key asks. `ample`: the declared one, whose limits are all far away. `tight`: one with a budget, `prepaid`: one of a user with a wallet,
 * both so small that they are used up while the load runs.
 */
export type Payer = 'ample' | 'tight' | 'prepaid'

export type Usage = { readonly input: number; readonly cacheRead: number; readonly output: number }

/** One request, as the test planned it and as both ends saw it. Times are `performance.now()` of the test. */
export type Ask = {
  readonly marker: string
  readonly payer: Payer
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
/** What `crashConfig` lets a model say at most. */
const maxOutputTokens = 1000

/** Nano-USD per token, as `crashConfig` declares them per million. */
export const nanoUsdPerToken = { input: 2000n, cacheRead: 500n, output: 10_000n } as const

/** What a declaration file says of the two providers at `origin`. JSON is YAML. */
export function crashConfig(origin: string): string {
  const custom = [
    {
      id: 'model-1',
      max_output_tokens: maxOutputTokens,
      price: { input_per_million_usd: '2', output_per_million_usd: '10', cache_read_per_million_usd: '0.5' },
    },
  ]
  const credentials = [{ value: 'sk-provider-secret-1' }]
  const budgets = [
    { amount_usd: '1000', period: 'day' },
    { tokens: 1e12, period: 'total' },
  ]
  const rates = [
    { requests: 1e9, per: 'minute' },
    { tokens: 1e12, per: 'minute' },
  ]
  return JSON.stringify({
    providers: {
      chat: { vendor: 'openai', base_url: `${origin}/v1`, credentials, models: { custom }, budgets },
      claude: { vendor: 'anthropic', base_url: origin, credentials, models: { custom }, rate_limits: rates },
    },
    keys: [{ name: 'crash', value: gatewayKey, budgets, rate_limits: [...rates, { concurrent: 1000 }] }],
    budgets: [{ amount_usd: '10000', period: 'month' }],
  })
}

/**
 * The most that it may cost, nano-USD: its input taken for a token to 3 bytes, and all the output that it asks for. Less than that is never
 * held, and a budget or wallet that has less left refuses it.
 */
export function worstCase(body: string): bigint {
  const { max_tokens: maxTokens } = JSON.parse(body) as { max_tokens: number }
  return BigInt(Math.ceil(Buffer.byteLength(body) / 3)) * nanoUsdPerToken.input + BigInt(maxTokens) * nanoUsdPerToken.output
}

export type CrashLoad = {
  readonly upstream: ScriptedUpstream
  /** Everything asked so far. */
  readonly asks: readonly Ask[]
  /** `clients` at once, each asking one request after another until the gateway is gone or `stop` was called. */
  start(url: string, clients: number): Clients
  /** One request of this kind, to its end. */
  ask(url: string, kind: AskKind): Promise<Ask>
  /** One whose worst case is the largest that `left` nano-USD afford, or the smallest that they don't; undefined: there is none. */
  probe(url: string, payer: Payer, left: bigint, affordable: boolean): Promise<Ask | undefined>
  /** Of others than `ample`; without them, `start` asks with that one alone. */
  readonly keys: { [payer in Payer]?: string }
  close(): Promise<void>
}

/** `stop` lets running requests end; `ended` resolves when both ends of all of them have. */
export type Clients = { stop(): void; readonly ended: Promise<void> }

export async function createCrashLoad(random: () => number): Promise<CrashLoad> {
  const asks: Ask[] = []
  const keys: CrashLoad['keys'] = { ample: gatewayKey }
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

  function plan(kind: AskKind, payer: Payer = 'ample', probing?: { readonly left: bigint; readonly affordable: boolean }): Ask | undefined {
    const marker = `crash-marker-${asks.length}`
    const client = wires[below(2)]!
    const provider = wires[below(2)]!
    const stream = kind === 'whole' ? false : kind === 'refused' ? below(2) === 0 : true
    const output = probing !== undefined ? 1 : kind === 'slow' || kind === 'left' ? 30 + below(90) : 1 + below(20)
    const filler =
      probing !== undefined ? '' : 'lorem ipsum '.repeat(below(10) === 0 && payer === 'ample' ? 2000 + below(4000) : below(100))
    const bodyOf = (maxTokens: number): string =>
      JSON.stringify({
        model: `${slugs[provider]}/model-1`,
        max_tokens: maxTokens,
        ...(stream ? { stream } : {}),
        messages: [{ role: 'user', content: `${marker}: ${filler}` }],
      })
    // A tight limit is pressed hardest by those that ask for no more than they get.
    let maxTokens = payer === 'ample' ? 500 : output + below(2) * below(20)
    if (probing !== undefined) {
      maxTokens = Math.min(Number(probing.left / nanoUsdPerToken.output), maxOutputTokens) + 1
      while (maxTokens > 0 && worstCase(bodyOf(maxTokens)) > probing.left) maxTokens--
      if (!probing.affordable) maxTokens++
      if (maxTokens < 1 || maxTokens > maxOutputTokens) return undefined
    }
    const body = bodyOf(maxTokens)
    // What is held is the worst case only as long as the input is no longer than it looks.
    const input = payer === 'ample' ? 50 + below(500) : 1 + below(Math.floor(Buffer.byteLength(body) / 3))
    const ask: Ask = {
      marker,
      payer,
      client,
      provider,
      kind,
      stream,
      usage: { input, cacheRead: below(3) === 0 ? below(input) : 0, output },
      status: refusals[below(refusals.length)]!,
      until: kind === 'cut' ? 1 + below(output) : below(30),
      body,
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
        headers: { authorization: `Bearer ${keys[ask.payer]}`, 'content-type': 'application/json', 'x-turnpike-session-id': ask.marker },
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
      const payers = (['ample', 'ample', 'tight', 'prepaid', 'ample'] as const).map((payer) =>
        keys[payer] === undefined ? 'ample' : payer,
      )
      const loops = Array.from({ length: clients }, async (_, n) => {
        const payer = payers[n % 5]!
        while (!stopped) {
          // Two in five hold slow streams, so that there is always something in the middle.
          const slow = n % 5 < 2 || (payer !== 'ample' && below(4) === 0)
          const ask = await run(url, plan(slow ? 'slow' : shortKinds[below(shortKinds.length)]!, payer)!)
          if (isBeyondLimit(ask)) await delay(20 + below(80))
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
    ask: (url, kind) => run(url, plan(kind)!),
    async probe(url, payer, left, affordable) {
      const ask = plan('whole', payer, { left, affordable })
      return ask === undefined ? undefined : run(url, ask)
    },
    keys,
    close: () => upstream.close(),
  }
}

/** The gateway has refused it for a limit of its key, before anybody was asked. */
export function isBeyondLimit({ reached, statusHeard }: Ask): boolean {
  return reached === 0 && (statusHeard === 402 || statusHeard === 429)
}

/** A promise whose work begins when somebody waits for it. */
function lazily(work: () => unknown): Promise<void> {
  // oxlint-disable-next-line unicorn/no-thenable -- a step waits for what it is given; this one does something first.
  return { then: (resolve: () => void) => (work(), resolve()) } as unknown as Promise<void>
}
