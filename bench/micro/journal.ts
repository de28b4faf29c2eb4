// What recording costs per request, by thread: the event loop (reserve, two bodies, finish) and the writer.
// Run: node bench/micro/journal.ts [requests] [part of a name]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRecorder, type Journal } from '#journal'
import { newRequestId } from '#kernel'
import { createRecordStore, openRecordDatabase, type FinishRecord, type ReserveRecord } from '#store'
import { sampleAttempt, sampleFinish, sampleReserve } from '#test/records.ts'

type Body = { readonly name: string; readonly requests: number; body(index: number): Buffer; session(index: number): string }

const requests = Number(process.argv[2] ?? 20_000)
const big = 96 * 1024
const answer = Buffer.from(
  JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', choices: [{ message: { content: prose(400, 1) } }] }),
)

const scenarios: Body[] = [
  { name: 'no bodies', requests, body: () => Buffer.alloc(0), session: () => '' },
  { name: 'small (150 B)', requests, body: () => Buffer.from(prose(150, 2)), session: (index) => `s${index % 100}` },
  growing(requests / 4),
  {
    name: '96 KB, every body new',
    requests: requests / 20,
    body: (index) => Buffer.from(prose(big, index + 3)),
    session: (index) => `s${index}`,
  },
]

const nothing: Pick<Journal, 'reserve' | 'finish' | 'payload'> = {
  reserve: (_record, written) => void setImmediate(written, undefined),
  finish: (_record, written) => void setImmediate(written, undefined),
  payload: () => undefined,
}

console.log('microseconds of CPU per request      event loop   writer   on disk')
const only = process.argv[3]
for (const scenario of scenarios) if (only === undefined || scenario.name.includes(only)) await measure(scenario)

async function measure(scenario: Body): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
  const recorder = await createRecorder({
    home,
    logging: 'full',
    retentionDays: 30,
    logMaxBytes: 20_000_000_000,
    onError: (error) => console.error(error),
  })
  await run(recorder.journal, scenario, Math.ceil(scenario.requests / 10), 0)
  await recorder.flush()
  const writerBefore = recorder.stats().writer?.cpuUs ?? 0
  const count = Math.floor(scenario.requests)
  const recordingUs = await run(recorder.journal, scenario, count, 1_000_000)
  await recorder.flush()
  // The same turns without a recorder: what the bench itself costs. Thread times are too coarse to be taken around each turn.
  const loopUs = recordingUs - (await run(nothing, scenario, count, 1_000_000))
  const { journal, writer } = recorder.stats()
  const writerUs = (writer?.cpuUs ?? 0) - writerBefore
  const rows = await recorder.query.list({}, 1, undefined)
  if (rows.rows.length !== 1 || (writer?.loaded ?? 0) < count) throw new Error('The recorder lost requests; its cost means nothing')
  const cells = [loopUs / count, writerUs / count].map((us) => us.toFixed(1).padStart(10))
  const disk = ((writer?.storeBytes ?? 0) / 1e6).toFixed(1)
  console.log(
    `${scenario.name.padEnd(36)}${cells.join('')}  ${disk.padStart(6)} MB  spilled ${journal.spilledPayloads} lost ${journal.lostPayloads}`,
  )
  await recorder.close()
  compressed(home)
  rmSync(home, { recursive: true })
}

/** What the pass over cold bodies costs later, which is in none of the figures above. */
function compressed(home: string): void {
  const db = openRecordDatabase(join(home, 'records.db'))
  const store = createRecordStore(db, 'full')
  const before = process.threadCpuUsage()
  let bytes = 0
  for (let block = -1; block !== 0; bytes += block) {
    db.exec('BEGIN IMMEDIATE')
    block = store.cold.compressOldest(Number.MAX_SAFE_INTEGER)
    db.exec('COMMIT')
  }
  const { user, system } = process.threadCpuUsage(before)
  db.close()
  if (bytes > 0) console.log(`    its bodies compressed when cold: ${((user + system) / (bytes / big)).toFixed(1)} per 96 KB`)
}

/** CPU of this thread, bodies included that this bench makes. Paced in turns of 16 requests at once. */
async function run(journal: typeof nothing, scenario: Body, count: number, offset: number): Promise<number> {
  const before = process.threadCpuUsage()
  for (let done = 0; done < count;) {
    const turn = Math.min(16, count - done)
    const work = Array.from({ length: turn }, (_, i) => {
      const reserve = reserveRecord(offset + done + i, scenario.session(done + i))
      return { reserve, finish: finishRecord(reserve), body: scenario.body(offset + done + i) }
    })
    await new Promise<void>((resolve) => {
      let left = turn
      for (const { reserve, finish, body } of work) {
        journal.reserve(reserve, () => {
          if (body.length > 0) {
            journal.payload(reserve.id, 'request', reserve.session, body)
            journal.payload(reserve.id, 'response', reserve.session, answer)
          }
          journal.finish(finish, () => {
            if (--left === 0) resolve()
          })
        })
      }
    })
    done += turn
    // About what one core serves: the writer shares the machine with the event loop, not with a tight loop.
    await new Promise((resolve) => setTimeout(resolve, scenario.body(0).length > 1000 ? 4 : 1))
  }
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

function growing(count: number): Body {
  const sessions = 8
  const histories = Array.from({ length: sessions }, (_, session) => prose(big, session + 100))
  return {
    name: '96 KB, history resent and growing',
    requests: count,
    session: (index) => `s${index % sessions}`,
    body(index) {
      const session = index % sessions
      const history = `${(histories[session] ?? '').slice(0, -20)}${prose(500, index)} and the question is?`
      histories[session] = history.length > big * 1.5 ? prose(big, index) : history
      return Buffer.from(history)
    },
  }
}

function prose(bytes: number, seed: number): string {
  let state = seed * 2654435761 + 1
  let text = ''
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += `${(state >>> 12).toString(36).slice(0, 2 + (state % 7))} `
    if (state % 11 === 0) text += 'the model said that the tool returned '
  }
  return text.slice(0, bytes)
}

function reserveRecord(index: number, session: string): ReserveRecord {
  const atMs = Date.now()
  return sampleReserve(newRequestId(atMs), { atMs, keyId: `key-${index % 5}`, session })
}

function finishRecord(reserve: ReserveRecord): FinishRecord {
  return sampleFinish(reserve.id, { ...reserve, attempts: [sampleAttempt({ startedAtMs: reserve.atMs })] })
}
