// Who listens hears each record once, and the journal gets all that it got before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FinishRecord, ProgressRecord, ReserveRecord } from '#store'
import { listenedJournal } from './listened.ts'
import type { Journal } from './port.ts'

test('each finished record is heard before it is written, and everything reaches the journal', async () => {
  const calls: unknown[][] = []
  const journal: Journal = {
    reserve: (...all) => void calls.push(['reserve', ...all]),
    progress: (...all) => void calls.push(['progress', ...all]),
    finish: (...all) => void calls.push(['finish', ...all]),
    payload: (...all) => void calls.push(['payload', ...all]),
    close: async () => void calls.push(['close']),
  }
  const heard: FinishRecord[] = []
  const listened = listenedJournal(journal, (record) => {
    assert.ok(calls.every(([name]) => name !== 'finish'))
    heard.push(record)
  })
  const [reserved, progress, finished] = [{ id: 'r' } as ReserveRecord, { id: 'p' } as ProgressRecord, { id: 'f' } as FinishRecord]
  const written = (): void => {}
  const body = new Uint8Array(1)
  listened.reserve(reserved, written)
  listened.progress(progress)
  listened.payload('id', 'request', 's', body)
  listened.finish(finished, written)
  await listened.close()
  assert.deepEqual(heard, [finished])
  assert.deepEqual(calls, [
    ['reserve', reserved, written],
    ['progress', progress],
    ['payload', 'id', 'request', 's', body],
    ['finish', finished, written],
    ['close'],
  ])
})
