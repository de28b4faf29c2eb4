// Requests at a fixed rate for a fixed time, whatever the answers take; prints latencies in milliseconds, counted from when each was due.
// Run: node bench/rows/load.ts <port> <key> <rate> <seconds>
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

const [port, key, rate, seconds] = process.argv.slice(2) as [string, string, string, string]
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const latencies: number[] = []
let failed = 0

function ask(index: number, dueMs: number): Promise<void> {
  const body = JSON.stringify({
    model: 'mock/gpt-4o-mini',
    messages: [{ role: 'user', content: `Question ${index}: ${'what do travellers remember of a toll road? '.repeat(40)}` }],
  })
  return new Promise((resolve) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        agent,
        method: 'POST',
        path: '/v1/chat/completions',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'x-turnpike-session-id': `load-${index % 100}`,
          'x-turnpike-metadata': `{"team":"load","user":"l${index % 500}"}`,
        },
      },
      (answer) => {
        if (answer.statusCode !== 200) failed++
        answer.resume().once('end', () => {
          latencies.push(performance.now() - dueMs)
          resolve()
        })
      },
    )
    sent.once('error', () => {
      failed++
      resolve()
    })
    sent.end(body)
  })
}

const startMs = performance.now()
const count = Number(rate) * Number(seconds)
const running: Promise<void>[] = []
for (let index = 0; index < count; index++) {
  const dueMs = startMs + (index * 1000) / Number(rate)
  const early = dueMs - performance.now()
  if (early > 1) await wait(early)
  running.push(ask(index, dueMs))
}
await Promise.all(running)
agent.destroy()
console.log(JSON.stringify({ latencies, failed }))
