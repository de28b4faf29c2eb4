// What is written to body files is read back, wherever a flush, a rollback or the end of the stage falls.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createBodyFiles, readBodyFile, type FilePlace } from './body-files.ts'

function folder(t: TestContext, parent = tmpdir()): string {
  const dir = mkdtempSync(join(parent, 'turnpike-body-files-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** In memory, where some kernels refuse direct writes. */
const inMemory = '/dev/shm'

for (const parent of [tmpdir(), inMemory]) {
  test(`bodies of every size are read back as they came (${parent})`, { skip: !existsSync(parent) && `there is no ${parent}` }, (t) => {
    const dir = folder(t, parent)
    const files = createBodyFiles(dir)
    const stored: { place: FilePlace; bytes: Buffer }[] = []
    for (const round of [0, 1, 2]) {
      for (const length of [1, 4095, 4096, 4097, 100_000, 1 << 20, (3 << 20) + 5, 17]) {
        const bytes = randomBytes(length)
        stored.push({ place: files.place(round), bytes })
        files.write(bytes)
      }
      files.flush()
      files.committed()
    }
    for (const { place, bytes } of stored) assert.ok(readBodyFile(dir, place, bytes.length)?.equals(bytes), `${bytes.length} bytes`)
    files.close()
  })
}

test('a commit ends in whole sectors, and nothing is written twice', (t) => {
  const dir = folder(t)
  const files = createBodyFiles(dir)
  files.place(0)
  files.write(Buffer.alloc(10, 'a'))
  assert.equal(files.place(0).at, 10, 'one commit wastes nothing between its blocks')
  files.write(Buffer.alloc(10, 'b'))
  files.flush()
  files.committed()
  assert.deepEqual(files.place(0), { file: 1, at: 4096 })
  assert.equal(statSync(join(dir, '1.tpr')).size, 4096)
  assert.equal(files.list().get(1), 4096)
  files.close()
})

test('what was rolled back is written over, flushed or not', (t) => {
  const dir = folder(t)
  const files = createBodyFiles(dir)
  const kept = randomBytes(5000)
  const first = files.place(0)
  files.write(kept)
  files.flush()
  files.committed()
  for (const flushed of [true, false]) {
    files.place(0)
    files.write(randomBytes(50_000))
    if (flushed) files.flush()
    files.rolledBack()
  }
  const second = files.place(0)
  assert.equal(second.at, 8192)
  const next = randomBytes(70_000)
  files.write(next)
  files.flush()
  files.committed()
  assert.ok(readBodyFile(dir, first, kept.length)?.equals(kept))
  assert.ok(readBodyFile(dir, second, next.length)?.equals(next))
  files.close()
})

test('a file that is full or old is complete before the next one begins', (t) => {
  const dir = folder(t)
  const files = createBodyFiles(dir)
  const bytes = randomBytes(3000)
  const first = files.place(0)
  files.write(bytes)
  assert.equal(files.place(300_000).file, 2)
  assert.ok(readBodyFile(dir, first, bytes.length)?.equals(bytes))
  files.close()
})
