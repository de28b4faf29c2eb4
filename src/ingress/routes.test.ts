// Paths: Google's methods behind any id, and that no path takes long to refuse.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import { routeOf } from './routes.ts'

for (const [path, model] of [
  ['/v1beta/models/gemini-3-pro:generateContent', 'gemini-3-pro'],
  ['/v1beta/models/llama3:8b:generateContent', 'llama3:8b'],
  ['/v1beta/ollama/llama3:8b:generateContent', 'ollama/llama3:8b'],
  ['/v1beta/a/b/c:generateContent', 'a/b/c'],
] as const) {
  test(`POST ${path} asks ${model}`, () => {
    assert.deepEqual(routeOf('POST', path), { type: 'generate', wire: 'gemini', path: { model, stream: false } })
  })
}

for (const path of [
  '/v1beta/gemini:generateContent',
  '/v1beta//x:generateContent',
  '/v1beta/x/:generateContent',
  '/v1beta/generateContent',
]) {
  test(`there is no ${path}`, () => {
    const route = routeOf('POST', path)
    assert.ok(route instanceof Failure && route.kind === 'unknown_url')
  })
}

test('slashes too many are recognised', () => {
  for (const path of ['/v1/chat/completions/', '/v1//chat///completions//', '//v1/messages']) {
    const route = routeOf('POST', path)
    assert.ok(route instanceof Failure)
    assert.match(route.message, /Did you mean \/v1\/(chat\/completions|messages)\?/)
  }
})

// As many characters as the request line may have, from anybody: nobody else is served meanwhile.
for (const path of [`/v1beta/${'/'.repeat(30_000)}`, `/v1beta/${'a/'.repeat(15_000)}`, `/x${'/'.repeat(30_000)}x`, '/v1'.repeat(10_000)]) {
  test(`${path.slice(0, 12)}... of ${path.length} characters is refused at once`, () => {
    const startedMs = performance.now()
    assert.ok(routeOf('POST', path) instanceof Failure)
    // A regular expression that tries every slash takes two seconds.
    assert.ok(performance.now() - startedMs < 200)
  })
}
