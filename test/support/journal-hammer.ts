// Writes records as fast as it can until it is killed, and says over stdout what it was told is written. Run: node journal-hammer.ts HOME
import { createRecorder } from '#journal'
import { newRequestId } from '#kernel'
import { sampleFinish, sampleReserve, usageOf } from './records.ts'

const recorder = await createRecorder({
  home: process.argv[2] ?? '',
  logging: 'full',
  retentionDays: 30,
  logMaxBytes: 1e10,
  ringBytes: 256 * 1024,
  onError: (error) => {
    console.error(error)
    process.exit(1)
  },
})
process.stdout.write(`started ${JSON.stringify(recorder.recovery)}\n`)

/** One client after the other in a session that grows: reserve, progress, body, finish. */
function client(session: string, body: string): void {
  const atMs = Date.now()
  const id = newRequestId(atMs)
  recorder.journal.reserve(sampleReserve(id, { atMs, session }), () => {
    process.stdout.write(`reserved ${id}\n`)
    recorder.journal.progress({ id, atMs: atMs + 1, responseBytes: 9, usage: usageOf(100, 3), estimated: true })
    setImmediate(() => {
      recorder.journal.payload(id, 'request', session, Buffer.from(`${body}${id}`))
      recorder.journal.finish(sampleFinish(id, { atMs, session }), () => {
        process.stdout.write(`answered ${id}\n`)
        setImmediate(client, session, body.length > 60_000 ? '' : `${body}${id.repeat(20)}`)
      })
    })
  })
}

for (let i = 0; i < 8; i++) client(`session-${i}`, 'x'.repeat(3000))
