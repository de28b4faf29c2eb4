// Tokens: one call for all who wait, renewed ahead of their end, forgotten when a provider refuses them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import { createTokenAuthorizer, type AccessToken } from './access-tokens.ts'
import type { AuthorizedCall, Authorizer } from './authorizer.ts'

const call: AuthorizedCall = {
  method: 'POST',
  origin: 'https://a.example',
  path: '/',
  headers: [],
  body: undefined,
  allowPrivateNetwork: false,
}

/** A token endpoint that answers when it is told to, and a clock that the test moves. */
function scene() {
  const asked: { give(token: AccessToken): void; fail(error: Error): void }[] = []
  let nowMs = 0
  const authorizer = createTokenAuthorizer(
    () => new Promise((give, fail) => asked.push({ give, fail })),
    () => nowMs,
  )
  return { asked, authorizer, pass: (seconds: number) => (nowMs += seconds * 1000) }
}

const bearer = (token: string): readonly string[] => ['authorization', `Bearer ${token}`]

/** Has fetched `first`, which is good for an hour. */
async function held(): Promise<ReturnType<typeof scene>> {
  const made = scene()
  const lines = made.authorizer.authorize(call)
  made.asked[0]!.give({ token: 'first', expiresInSeconds: 3600 })
  assert.deepEqual(await lines, bearer('first'))
  return made
}

const now = (authorizer: Authorizer): readonly string[] => {
  const lines = authorizer.authorize(call)
  assert.ok(Array.isArray(lines), 'at once')
  return lines as readonly string[]
}

test('everybody who comes while the token is fetched waits for the one call, and later ones wait for nothing', async () => {
  const { asked, authorizer } = scene()
  const waiting = [authorizer.authorize(call), authorizer.authorize(call), authorizer.authorize(call)]
  assert.equal(asked.length, 1)
  asked[0]!.give({ token: 't', expiresInSeconds: 3600, lines: ['x-goog-user-project', 'p'] })
  for (const lines of waiting) assert.deepEqual(await lines, [...bearer('t'), 'x-goog-user-project', 'p'])
  assert.deepEqual(now(authorizer), [...bearer('t'), 'x-goog-user-project', 'p'])
  assert.equal(asked.length, 1)
})

test('five minutes before its end a new one is fetched by the way, and the old one serves until then', async () => {
  const { asked, authorizer, pass } = await held()
  pass(3600 - 301)
  assert.deepEqual(now(authorizer), bearer('first'))
  assert.equal(asked.length, 1)
  pass(2)
  assert.deepEqual(now(authorizer), bearer('first'))
  assert.deepEqual(now(authorizer), bearer('first'))
  assert.equal(asked.length, 2, 'once')
  asked[1]!.give({ token: 'second', expiresInSeconds: 3600 })
  await Promise.resolve().then(() => undefined)
  assert.deepEqual(now(authorizer), bearer('second'))
})

test('a token that has ended, or ends in the next seconds, is not sent', async () => {
  const { asked, authorizer, pass } = await held()
  pass(3600 - 9)
  const lines = authorizer.authorize(call)
  assert.ok(lines instanceof Promise)
  asked[1]!.give({ token: 'second', expiresInSeconds: 60 })
  assert.deepEqual(await lines, bearer('second'))
  pass(29)
  assert.deepEqual(now(authorizer), bearer('second'))
  assert.equal(asked.length, 2)
  pass(2)
  assert.deepEqual(now(authorizer), bearer('second'), 'half of its life is over, and it still serves')
  assert.equal(asked.length, 3)
})

test('a renewal that fails is tried again after a while, and said only when the old token has ended', async () => {
  const { asked, authorizer, pass } = await held()
  pass(3600 - 200)
  now(authorizer)
  asked[1]!.fail(new Failure('credential_rejected', 'no'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(now(authorizer), bearer('first'))
  assert.equal(asked.length, 2)
  pass(11)
  assert.deepEqual(now(authorizer), bearer('first'))
  assert.equal(asked.length, 3)
  asked[2]!.fail(new Failure('credential_rejected', 'no'))
  await new Promise((resolve) => setImmediate(resolve))
  pass(200)
  const lines = authorizer.authorize(call) as Promise<readonly string[]>
  asked[3]!.fail(new Failure('credential_rejected', 'still no'))
  await assert.rejects(lines, /still no/)
})

test('a token that the provider refused is not sent again; one that came after it stays', async () => {
  const { asked, authorizer } = await held()
  const first = now(authorizer)
  authorizer.refused(first)
  const lines = authorizer.authorize(call)
  asked[1]!.give({ token: 'second', expiresInSeconds: 3600 })
  assert.deepEqual(await lines, bearer('second'))
  authorizer.refused(first)
  assert.deepEqual(now(authorizer), bearer('second'))
})
