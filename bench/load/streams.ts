// Loads a gateway with streams over kept-alive connections, a fixed number on each, and checks every one to its end. Prints JSON.
// Usage: node streams.ts '{"port", "headers", "wire", "connections", "streamsEach", "events", "holdFile"?, "images"?}'
import { Agent, request as httpRequest } from 'node:http'
import { writeFileSync } from 'node:fs'
import { imageBody, sides, type BenchWire } from './wires.ts'

type Job = {
  readonly port: number
  readonly wire: BenchWire
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly streamsEach: number
  /** Content events that each stream must bring. */
  readonly events: number
  /** Written when every connection has its first content. */
  readonly holdFile?: string
  /** Requests with an image, one after the other once every stream has its first content. */
  readonly images?: { readonly count: number; readonly bytes: number }
}

const job = JSON.parse(process.argv[2] ?? '') as Job
const { path, body, contentMark, lastFrame } = sides[job.wire]
const agent = new Agent({ keepAlive: true, maxSockets: job.connections })
const firstContentMs: number[] = []
/** Of each stream, the longest time between two chunks. */
const longestGapMs: number[] = []
/** While images are under way; all of them otherwise. */
let watching = job.images === undefined
let whenAllBegan: () => void = () => {}
const allBegan = new Promise<void>((resolve) => void (whenAllBegan = resolve))
const errors = new Map<string, number>()
let streams = 0
let content = 0

function failed(why: string): void {
  errors.set(why, (errors.get(why) ?? 0) + 1)
}

function one(): Promise<void> {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const done = (why?: string): void => {
      streams++
      if (why !== undefined) failed(why)
      resolve()
    }
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port: job.port,
        path,
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', ...job.headers, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let seen = 0
        let tail = ''
        let carry = ''
        let lastMs = 0
        let gapMs = 0
        response.setEncoding('latin1')
        response.on('data', (text: string) => {
          const nowMs = performance.now()
          if (watching && lastMs > 0) gapMs = Math.max(gapMs, nowMs - lastMs)
          lastMs = nowMs
          // A mark may be cut in two by the socket.
          const joined = carry + text
          carry = joined.slice(1 - contentMark.length)
          let at = -1
          while ((at = joined.indexOf(contentMark, at + 1)) >= 0) {
            if (seen++ === 0) {
              firstContentMs.push(performance.now() - startedAt)
              if (firstContentMs.length === job.connections) {
                whenAllBegan()
                if (job.holdFile !== undefined) writeFileSync(job.holdFile, '')
              }
            }
          }
          // A last event may be long: the whole answer is in it.
          tail = (tail + text).slice(-8192)
        })
        response.on('error', (error) => done(error.message))
        response.on('end', () => {
          content += seen
          longestGapMs.push(gapMs)
          if (response.statusCode !== 200) return done(`status ${response.statusCode}`)
          if (seen !== job.events) return done(`${seen} content events instead of ${job.events}`)
          done(lastFrame.test(tail) ? undefined : 'the stream did not say that it is complete')
        })
      },
    )
    outgoing.on('error', (error) => done(error.message))
    outgoing.end(body)
  })
}

const imageMs: number[] = []

/** Made once: building it must not hold up what is watched. */
async function sendImages({ count, bytes }: NonNullable<Job['images']>, wire: 'openai-chat' | 'anthropic-messages'): Promise<void> {
  const text = Buffer.from(imageBody(wire, Buffer.alloc(bytes * 0.75, 'a toll road remembers').toString('base64')))
  await allBegan
  watching = true
  for (let n = 0; n < count; n++) {
    const startedAt = performance.now()
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/json', ...job.headers, 'content-length': text.length }
      const outgoing = httpRequest({ host: '127.0.0.1', port: job.port, path, method: 'POST', headers }, (response) => {
        if (response.statusCode !== 200) failed(`an image: status ${response.statusCode}`)
        response.resume().on('close', resolve)
      })
      outgoing.on('error', (error) => {
        failed(`an image: ${error.message}`)
        resolve()
      })
      outgoing.end(text)
    })
    imageMs.push(performance.now() - startedAt)
  }
  watching = false
}

const startedAt = performance.now()
const { images } = job
const imagesSent =
  images === undefined || job.wire === 'gemini' || job.wire === 'openai-responses' ? undefined : sendImages(images, job.wire)
await Promise.all(
  Array.from({ length: job.connections }, async () => {
    for (let n = 0; n < job.streamsEach; n++) await one()
  }),
)
whenAllBegan()
await imagesSent
agent.destroy()
console.log(
  JSON.stringify({
    streams,
    content,
    seconds: (performance.now() - startedAt) / 1000,
    firstContentMs,
    longestGapMs,
    imageMs,
    errors: Object.fromEntries(errors),
  }),
)
