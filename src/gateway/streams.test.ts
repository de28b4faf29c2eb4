// What a client receives of a stream, however its bytes were cut, and what the gateway learns while they pass.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Failure } from '#kernel'
import type { ClientWire, Finish, Usage } from '#ir'
import { codecOf, createSseParser, type Watch } from '#wires'
import { PassReader, TranslateReader, type StreamReader, type StreamSink } from './streams.ts'

/** Notes what a reader tells, and checks the order. */
class Listener implements StreamSink {
  /** What the client received, without the tail. */
  sent = ''
  tail: string | undefined
  id: string | undefined
  model: string | undefined
  usages: Usage[] = []
  finish: Finish | undefined
  failure: Failure | undefined
  commits = 0
  writes: string[] = []
  /** Frames that the watch was shown. */
  framesRead = 0
  readonly #costUsd: number | undefined

  constructor(costUsd?: number) {
    this.#costUsd = costUsd
  }

  get over(): boolean {
    return this.tail !== undefined || this.failure !== undefined
  }

  committed(): void {
    this.#running()
    assert.equal(this.sent, '', 'the head goes out before the first byte')
    assert.equal(++this.commits, 1, 'the head goes out once')
  }

  write(bytes: Uint8Array | string): void {
    this.#running()
    assert.equal(this.commits, 1, 'the head goes out before the first byte')
    this.writes.push(textOf(bytes))
    this.sent += textOf(bytes)
  }

  learned(id: string | undefined, model: string | undefined): void {
    this.#running()
    this.id ??= id
    this.model ??= model
  }

  usage(usage: Usage): number | undefined {
    this.#running()
    this.usages.push(usage)
    return this.#costUsd
  }

  refusesEmpty(): boolean {
    return false
  }

  complete(finish: Finish | undefined, tail: Uint8Array | string): void {
    this.#running()
    this.finish = finish
    this.tail = textOf(tail)
  }

  failed(failure: Failure): void {
    this.#running()
    this.failure = failure
  }

  #running(): void {
    assert.ok(!this.over, 'nothing is told after the end')
  }
}

const textOf = (bytes: Uint8Array | string) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8'))

/** Drives a reader as an attempt does. Each chunk's bytes are spoilt afterwards, as a socket's buffer is. */
function drive(reader: StreamReader, chunks: readonly (string | Buffer)[]): void {
  const parser = createSseParser()
  for (const piece of chunks) {
    const chunk = Buffer.from(piece)
    if (!(parser.idle && reader.pass(chunk))) {
      parser.push(chunk, (frame) => reader.frame(frame))
      reader.flush()
    }
    chunk.fill('!')
  }
  parser.end((frame) => reader.frame(frame))
  reader.end()
}

type Options = { readonly costUsd?: number; readonly showUsage?: boolean }

function pass(wire: ClientWire, chunks: readonly (string | Buffer)[], { costUsd, showUsage = true }: Options = {}): Listener {
  const { passThrough } = codecOf(wire)
  const markers = new RegExp(passThrough.markers.map((marker) => RegExp.escape(marker)).join('|'))
  const listener = new Listener(costUsd)
  const watch = passThrough.createWatch({})
  const counting: Watch = {
    frame(frame) {
      listener.framesRead++
      return watch.frame(frame)
    },
    withCost: (frame, usd) => watch.withCost(frame, usd),
    withFinish: (...asked) => watch.withFinish(...asked),
  }
  drive(new PassReader(listener, counting, markers, showUsage, passThrough.terminator), chunks)
  return listener
}

const chatChunk = (delta: object, more: object = {}, choice: object = { finish_reason: null }) =>
  `data: ${JSON.stringify({ id: 'c1', model: 'served', choices: [{ index: 0, delta, ...choice }], ...more })}\n\n`
const chatUsage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const usageChunk = `data: ${JSON.stringify({ id: 'c1', model: 'served', choices: [], usage: chatUsage })}\n\n`
const chatFrames = [
  chatChunk({ role: 'assistant', content: '' }),
  chatChunk({ content: 'Hé' }),
  chatChunk({ content: 'llo "usage":{ x' }),
  chatChunk({}, {}, { finish_reason: 'stop' }),
  usageChunk,
  'data: [DONE]\n\n',
]
const chatStream = chatFrames.join('')

const messageEvent = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const messageFrames = [
  messageEvent('message_start', { message: { id: 'm1', model: 'served', usage: { input_tokens: 7, output_tokens: 1 } } }),
  messageEvent('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  messageEvent('ping'),
  messageEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hé' } }),
  messageEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'llo' } }),
  messageEvent('content_block_stop', { index: 0 }),
  messageEvent('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 3 } }),
  messageEvent('message_stop'),
]
const messageStream = messageFrames.join('')

const streams = [
  { wire: 'openai-chat', stream: chatStream, contentAt: chatFrames[0]!.length },
  { wire: 'anthropic-messages', stream: messageStream, contentAt: messageFrames.slice(0, 3).join('').length },
] as const

function assertWhole(listener: Listener, stream: string, where: string): void {
  assert.equal(listener.sent + listener.tail, stream, where)
  assert.equal(listener.failure, undefined, where)
  assert.deepEqual([listener.id === 'c1' || listener.id === 'm1', listener.model], [true, 'served'], where)
  assert.equal(listener.finish?.reason, 'stop', where)
  assert.deepEqual([listener.usages.at(-1)?.input.total, listener.usages.at(-1)?.output.total], [7, 3], where)
}

for (const { wire, stream, contentAt } of streams) {
  describe(`a stream of ${wire} that passes`, () => {
    const bytes = Buffer.from(stream)

    test('arrives byte for byte, wherever it was cut, and all is learnt from it', () => {
      for (let at = 0; at <= bytes.length; at++) {
        assertWhole(pass(wire, [bytes.subarray(0, at), bytes.subarray(at)]), stream, `cut at ${at}`)
      }
      // Once there is content, chunks may pass unread.
      const begun = bytes.indexOf('llo')
      for (let at = begun; at <= bytes.length; at++) {
        assertWhole(pass(wire, [bytes.subarray(0, begun), bytes.subarray(begun, at), bytes.subarray(at)]), stream, `cut again at ${at}`)
        const frameEnd = bytes.indexOf('\n\n', begun) + 2
        if (at < frameEnd) continue
        const chunks = [bytes.subarray(0, frameEnd), bytes.subarray(frameEnd, at), bytes.subarray(at)]
        assertWhole(pass(wire, chunks), stream, `whole frames, then cut at ${at}`)
      }
      for (const size of [1, 2, 3, 7, 64, 1000]) {
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        )
        assertWhole(pass(wire, chunks), stream, `pieces of ${size}`)
      }
    })

    test('arrives with its CRLF newlines as they came', () => {
      const crlf = stream.replaceAll('\n', '\r\n')
      // The blank line of the last frame in one piece: its CR alone ends the frame, and an LF that comes later is no part of it.
      const pieces = [...crlf.slice(0, -4), crlf.slice(-4)]
      for (const chunks of [[crlf], crlf.split(/(?<=\r\n\r\n)/), pieces]) assertWhole(pass(wire, chunks), crlf, `${chunks.length} chunks`)
    })

    test('keeps its last frame for the tail, so that a record can be written before it', () => {
      const listener = pass(wire, [stream])
      assert.equal(listener.tail, wire === 'openai-chat' ? 'data: [DONE]\n\n' : messageFrames.at(-1))
    })

    test('sends nothing before there is content', () => {
      const listener = pass(wire, [bytes.subarray(0, contentAt)])
      assert.deepEqual([listener.commits, listener.sent, listener.failure?.kind], [0, '', 'ended_early'])
    })

    test('that ends after content without its end is a failure, and never looks complete', () => {
      const listener = pass(wire, [
        bytes.subarray(0, contentAt),
        ...stream
          .slice(contentAt)
          .split(/(?<=\n\n)/)
          .slice(0, 2),
      ])
      assert.equal(listener.failure?.kind, 'ended_early')
      assert.equal(listener.tail, undefined)
      assert.ok(listener.sent.length > 0 && stream.startsWith(listener.sent))
    })

    test('that was cut in the middle of its last frame is no complete answer', () => {
      const at = wire === 'openai-chat' ? stream.indexOf('"finish_reason":"stop"') : stream.indexOf('"message_stop"', contentAt)
      assert.notEqual(pass(wire, [stream.slice(0, at)]).failure, undefined)
    })

    test('gets the cost into the last usage, and changes nowhere else', () => {
      const listener = pass(wire, stream.split(/(?<=\n\n)/), { costUsd: 0.25 })
      const all = listener.sent + listener.tail
      assert.equal(all.match(/"cost":0\.25/g)?.length, 1)
      assert.equal(all.replace(/,"cost":0\.25|"cost":0\.25,/, ''), stream)
    })

    test('fails at an error event, after what came before it, and says nothing of it', () => {
      const said =
        wire === 'openai-chat'
          ? 'data: {"error":{"message":"boom"}}\n\n'
          : messageEvent('error', { error: { type: 'api_error', message: 'boom' } })
      const begun = stream.slice(0, stream.indexOf('llo'))
      const whole = begun.slice(0, begun.lastIndexOf('\n\n') + 2)
      for (const chunks of [[whole + said + stream], [whole, said, stream], [...(whole + said)]]) {
        const listener = pass(wire, chunks)
        assert.equal(listener.failure?.kind, 'error_in_stream')
        assert.equal(listener.sent, whole)
      }
      const early = pass(wire, [said])
      assert.deepEqual([early.failure?.kind, early.commits], ['error_in_stream', 0])
    })

    test('is not read where it holds nothing to know, and goes on chunk by chunk', () => {
      const at = stream.lastIndexOf('\n\n', stream.indexOf('llo')) + 2
      const plain = stream.slice(at, stream.indexOf('\n\n', at) + 2).replace('\\"usage\\":{ ', '')
      const begun = pass(wire, [stream.slice(0, at)])
      const listener = pass(wire, [stream.slice(0, at), plain + plain, plain])
      assert.deepEqual(listener.writes.slice(1), [plain + plain, plain])
      assert.equal(listener.framesRead, begun.framesRead)
    })
  })
}

describe('keep-alive comments of the provider', () => {
  test('begin nothing, and pass once there is content', () => {
    const comment = ': PROCESSING\n\n'
    const early = pass('openai-chat', [comment, chatFrames[0]!])
    assert.deepEqual([early.commits, early.sent], [0, ''])
    const listener = pass('openai-chat', [comment, chatFrames[0]!, chatFrames[1]!, comment, ...chatFrames.slice(2)])
    assert.equal(listener.sent + listener.tail, chatFrames[0]! + chatFrames[1]! + comment + chatFrames.slice(2).join(''))
  })
})

test('white space before colons, which no marker knows, hides nothing', () => {
  const spaced = chatFrames.map((frame) => frame.replaceAll('":', '" : '))
  for (const chunks of [spaced, [spaced.join('')]]) assertWhole(pass('openai-chat', chunks), spaced.join(''), `${chunks.length} chunks`)
})

test('a usage that a client did not ask for is counted, and kept from it', () => {
  for (const chunks of [chatFrames, [chatStream], [...chatStream]]) {
    const listener = pass('openai-chat', chunks, { showUsage: false, costUsd: 0.25 })
    assert.equal(listener.sent + listener.tail, chatStream.replace(usageChunk, ''))
    assert.equal(listener.usages.at(-1)?.output.total, 3)
  }
})

test('a usage that comes with content or the finish passes all the same', () => {
  const words = chatChunk({ content: 'x' }, { usage: chatUsage })
  const last = chatChunk({}, { usage: chatUsage }, { finish_reason: 'stop' })
  const listener = pass('openai-chat', [chatFrames[0]!, words, last, 'data: [DONE]\n\n'], { showUsage: false })
  assert.equal(listener.sent, chatFrames[0]! + words + last)
})

test('a chat stream that finished may lack its [DONE]: the client gets one', () => {
  const listener = pass('openai-chat', chatFrames.slice(0, -1))
  assert.deepEqual([listener.finish?.reason, listener.tail, listener.failure], ['stop', 'data: [DONE]\n\n', undefined])
})

test('a message that has its stop reason but not its end is not complete', () => {
  assert.equal(pass('anthropic-messages', messageFrames.slice(0, -1)).failure?.kind, 'ended_early')
})

test('a last frame without its blank line gets one', () => {
  assertWhole(pass('openai-chat', [chatStream.slice(0, -2)]), chatStream, 'no newline at all')
})

test('a finish without content is an empty answer, and goes out as it is', () => {
  const frames = [chatFrames[0]!, chatChunk({}, {}, { finish_reason: 'stop' }), 'data: [DONE]\n\n']
  const listener = pass('openai-chat', frames)
  assert.deepEqual([listener.commits, listener.sent + listener.tail], [1, frames.join('')])
})

describe('a stream that is translated', () => {
  function translate(
    chunks: readonly string[],
    costUsd?: number,
    from: ClientWire = 'anthropic-messages',
    to: ClientWire = 'openai-chat',
  ): Listener {
    const listener = new Listener(costUsd)
    const context = { requestId: 'req_1', model: 'm', createdSeconds: 1, streamUsage: true }
    const encoder = codecOf(to).ingress.createStreamEncoder(context)
    drive(new TranslateReader(listener, codecOf(from).egress.createStreamDecoder({}), encoder, false), chunks)
    return listener
  }
  const textIn = (listener: Listener) => [...listener.sent.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join('')

  test('says the same, wherever it was cut', () => {
    const whole = translate([messageStream], 0.25)
    assert.equal(textIn(whole), 'Héllo')
    assert.equal(whole.finish?.reason, 'stop')
    assert.match(whole.tail!, /"finish_reason":"stop"/)
    assert.match(whole.tail!, /"cost":0\.25[^]*data: \[DONE\]\n\n$/, 'usage with its cost, then the end, behind the record')
    assert.doesNotMatch(whole.sent, /finish_reason":"|\[DONE\]/)
    assert.deepEqual([whole.id, whole.model, whole.usages.at(-1)?.output.total], ['m1', 'served', 3])
    for (const chunks of [messageFrames, [...messageStream]]) {
      const other = translate(chunks, 0.25)
      assert.equal(other.sent + other.tail, whole.sent + whole.tail)
    }
  })

  test('sends nothing before there is content: a start, a ping and a part that only begins are none', () => {
    const listener = translate(messageFrames.slice(0, 3))
    assert.deepEqual([listener.commits, listener.sent, listener.failure?.kind], [0, '', 'ended_early'])
    const call = messageEvent('content_block_start', { index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } })
    assert.equal(translate([messageFrames[0]!, call]).commits, 1, 'the start of a tool call is content')
  })

  test('fails at an error and at an early end, after what came before it', () => {
    const error = messageEvent('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    const frames = [...messageFrames.slice(0, 4), error, ...messageFrames.slice(4)]
    for (const chunks of [frames, [frames.join('')]]) {
      const failed = translate(chunks)
      assert.deepEqual([failed.failure?.kind, textIn(failed), failed.tail], ['overloaded', 'Hé', undefined])
    }
    const cut = translate(messageFrames.slice(0, 5))
    assert.deepEqual([cut.failure?.kind, textIn(cut), cut.tail], ['ended_early', 'Héllo', undefined])
    assert.doesNotMatch(cut.sent, /\[DONE\]|finish_reason":"/)
  })

  test('may lack the [DONE] of its own wire, once it has finished', () => {
    const listener = translate(chatFrames.slice(0, -1), undefined, 'openai-chat', 'anthropic-messages')
    assert.deepEqual([listener.finish?.reason, listener.failure], ['stop', undefined])
    assert.match(listener.tail!, /event: message_stop/)
    assert.equal(translate(chatFrames.slice(0, 3), undefined, 'openai-chat', 'anthropic-messages').failure?.kind, 'ended_early')
  })
})
