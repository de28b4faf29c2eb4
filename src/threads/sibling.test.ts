// The file beside a module, in source and in the compiled package.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { siblingModule } from './sibling.ts'

test('a sibling of a source file is a source file, of a compiled file a compiled one', () => {
  assert.equal(
    siblingModule('file:///srv/turnpike/src/journal/writer.ts', 'writer-thread').href,
    'file:///srv/turnpike/src/journal/writer-thread.ts',
  )
  assert.equal(
    siblingModule('file:///srv/turnpike/dist/journal/writer.js', 'writer-thread').href,
    'file:///srv/turnpike/dist/journal/writer-thread.js',
  )
})

test('a query behind the importing module is left behind', () => {
  assert.equal(siblingModule('file:///srv/a.b/writer.ts?again=1', 'reader-thread').href, 'file:///srv/a.b/reader-thread.ts')
})

test('a sibling is named without folder and extension', () => {
  for (const name of ['../secret', './writer-thread', 'writer-thread.ts', '']) {
    assert.throws(() => siblingModule('file:///srv/writer.ts', name), /without folder and extension/)
  }
})

test('a module without an extension has no sibling', () => {
  assert.throws(() => siblingModule('file:///srv/turnpike', 'writer-thread'), /has no extension/)
})
