// Loads a gateway with streams over kept-alive connections, a fixed number on each, and checks every one to its end. Prints JSON.
// Usage: node streams.ts '{"port", "path", "headers", "body", "wire", "connections", "streamsEach", "events", "holdFile"?}'
import { Agent, request as httpRequest } from 'node:http'
import { writeFileSync } from 'node:fs'

type Job = {
  readonly port: number
  readonly path: string
  /** Which frames are to come. */
  readonly wire: 'chat' | 'messages'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connections: number
  readonly streamsEach: number
  /** Content events that each stream must bring. */
  readonly events: number
  /** Written when every connection has its first content. */
  readonly holdFile?: string
}

const job = JSON.parse(process.argv[2] ?? '') as Job
const contentMark = job.wire === 'chat' ? '"content":" word' : '"text":" word'
const lastFrame = job.wire === 'chat' ? 'data: [DONE]\n\n' : '"type":"message_stop"}\n\n'
const agent = new Agent({ keepAlive: true, maxSockets: job.connections })
const firstContentMs: number[] = []
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
        path: job.path,
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', ...job.headers, 'content-length': Buffer.byteLength(job.body) },
      },
      (response) => {
        let seen = 0
        let tail = ''
        let carry = ''
        response.setEncoding('latin1')
        response.on('data', (text: string) => {
          // A mark may be cut in two by the socket.
          const joined = carry + text
          carry = joined.slice(1 - contentMark.length)
          let at = -1
          while ((at = joined.indexOf(contentMark, at + 1)) >= 0) {
            if (seen++ === 0) {
              firstContentMs.push(performance.now() - startedAt)
              if (firstContentMs.length === job.connections && job.holdFile !== undefined) writeFileSync(job.holdFile, '')
            }
          }
          tail = (tail + text).slice(-40)
        })
        response.on('error', (error) => done(error.message))
        response.on('end', () => {
          content += seen
          if (response.statusCode !== 200) return done(`status ${response.statusCode}`)
          if (seen !== job.events) return done(`${seen} content events instead of ${job.events}`)
          done(tail.endsWith(lastFrame) ? undefined : 'the stream did not say that it is complete')
        })
      },
    )
    outgoing.on('error', (error) => done(error.message))
    outgoing.end(job.body)
  })
}

const startedAt = performance.now()
await Promise.all(
  Array.from({ length: job.connections }, async () => {
    for (let n = 0; n < job.streamsEach; n++) await one()
  }),
)
agent.destroy()
console.log(
  JSON.stringify({ streams, content, seconds: (performance.now() - startedAt) / 1000, firstContentMs, errors: Object.fromEntries(errors) }),
)
