// The rooms, as the table, package.json and the folders have them; and the size of their doors.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { layers, main } from '#scripts/rooms.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const { imports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> }
const folders = readdirSync(path.join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && readdirSync(path.join(root, 'src', entry.name)).length > 0)
  .map(({ name }) => name)

/** Values, not types: a caller meets types through values, but each value is something to learn. */
const mostValues = 20

test('every folder of src is a room of the table', () => {
  assert.deepEqual(
    folders.filter((folder) => !layers.has(folder)),
    [],
  )
})

test('every room that others import has a door in package.json, and every door leads somewhere', () => {
  const doors = new Map(Object.entries(imports).filter(([, file]) => file.startsWith('./src/')))
  for (const room of layers.keys()) if (room !== 'cli') assert.equal(doors.get(`#${room}`), `./src/${room}/index.ts`)
  for (const [name, file] of doors) {
    // `#room/file` is for the room's own folders.
    const [room = '', ...inner] = name.slice(1).split('/')
    assert.ok(room === main || layers.has(room), `${name} is not in scripts/rooms.ts`)
    if (inner.length > 0) assert.equal(file, `./src/${room}/${inner.join('/')}.ts`)
    if (folders.includes(room)) assert.ok(existsSync(path.join(root, file)), `${name} leads to ${file}, which is not there`)
  }
})

for (const room of folders.filter((folder) => existsSync(path.join(root, 'src', folder, 'index.ts')))) {
  test(`${room} exports few enough values to be learnt: at most ${mostValues}`, () => {
    const values = exportedValues(readFileSync(path.join(root, 'src', room, 'index.ts'), 'utf8'))
    assert.ok(values.length <= mostValues, `${room} exports ${values.length}: ${values.join(', ')}`)
  })
}

/** Names exported by the lists and declarations of a door. `export *` is refused by the linter. */
function exportedValues(text: string): string[] {
  const listed = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names = '']) => names.split(','))
  const declared = [...text.matchAll(/^export (?:async )?(?:const|function\*?|class|let) (\w+)/gm)].map(([, name = '']) => name)
  return [...listed.map((name) => name.trim()).filter((name) => name !== '' && !name.startsWith('type ')), ...declared]
}

test('names are counted whether they are listed or declared, and types are not', () => {
  const door = `export { a, type B, c } from './x.ts'\nexport type { D } from './y.ts'\nexport const e = 1\nexport function f() {}\n`
  assert.deepEqual(exportedValues(door), ['a', 'c', 'e', 'f'])
})
