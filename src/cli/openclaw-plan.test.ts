// The patch that setup hands to OpenClaw: what it sets, what it leaves as a person wrote it, and when nothing is left to do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { entriesOf, isWithin, mentionsOf, placeOfUrl } from './openclaw-connection.ts'
import { chosenApi, currentOf, patchOf, type Wanted } from './openclaw-plan.ts'

const wanted: Wanted = {
  api: 'openai-completions',
  baseUrl: 'http://127.0.0.1:8640/v1',
  offers: [],
  primary: 'big',
  fallbacks: ['small'],
  localService: undefined,
}

function defaultsOf(current: JsonValue | undefined, more: Partial<Wanted> = {}): JsonObject {
  const { agents } = patchOf({ ...wanted, ...more }, currentOf(current))
  return isObject(agents) && isObject(agents['defaults']) ? agents['defaults'] : {}
}

test('an OpenClaw without configuration gets the model, a fallback, aliases and no restriction', () => {
  assert.deepEqual(defaultsOf(undefined), {
    model: { primary: 'turnpike/big', fallbacks: ['turnpike/small'] },
    models: { 'turnpike/big': { alias: 'big' }, 'turnpike/small': { alias: 'small' } },
    modelPolicy: { allow: [] },
  })
})

test("fallbacks of other providers stay behind ours, and a person's aliases stay theirs", () => {
  const defaults = defaultsOf({
    model: { primary: 'x/y', fallbacks: ['ollama/z', 'turnpike/old'] },
    models: { 'x/y': { alias: 'big' }, 'turnpike/small': { alias: 'mini' } },
  })
  assert.deepEqual(defaults, {
    model: { primary: 'turnpike/big', fallbacks: ['turnpike/small', 'ollama/z'] },
    models: { 'turnpike/big': {}, 'turnpike/small': {} },
  })
})

test('an allow-list gets our models added, once; an empty one stays', () => {
  assert.deepEqual(defaultsOf({ modelPolicy: { allow: ['x/*'] } })['modelPolicy'], { allow: ['x/*', 'turnpike/*'] })
  assert.equal(defaultsOf({ modelPolicy: { allow: ['x/*', 'turnpike/*'] } })['modelPolicy'], undefined)
  assert.equal(defaultsOf({ modelPolicy: { allow: [] } })['modelPolicy'], undefined)
})

test('entries from before policies still restrict, and are not opened to everything', () => {
  assert.equal(defaultsOf({ models: { 'x/y': {} } })['modelPolicy'], undefined)
})

test('OpenClaw starts turnpike itself only when that was asked for', () => {
  const localService = { command: '/node', args: ['/turnpike.js', 'up'], healthUrl: 'http://127.0.0.1:8640/readyz' }
  const entry = (patch: JsonObject) => (patch['models'] as { providers: { turnpike: JsonObject } }).providers.turnpike
  assert.equal(entry(patchOf(wanted, currentOf(undefined)))['localService'], undefined)
  assert.deepEqual(entry(patchOf({ ...wanted, localService }, currentOf(undefined)))['localService'], {
    ...localService,
    readyTimeoutMs: 60_000,
  })
})

test('a patch is done when everything it says is so, whatever else is there', () => {
  assert.ok(isWithin({ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1, d: 2 }] }, e: 3 }))
  for (const current of [undefined, null, {}, { a: { b: [] } }, { a: { b: [{ c: 2 }] } }, { a: { b: [{ c: 1 }, {}] } }] as JsonValue[])
    assert.equal(isWithin({ a: { b: [{ c: 1 }] } }, current), false, JSON.stringify(current))
})

test('every place that names a model is found, with its path', () => {
  const agents = {
    defaults: { model: 'gw/a', heartbeat: { model: 'gw/b' }, compaction: { mode: 'default' } },
    entries: { main: { model: { primary: 'gw/c', fallbacks: ['gw/d'] }, utilityModel: '' } },
  }
  assert.deepEqual(
    mentionsOf(agents).map(({ place, ref }) => `${place}=${ref}`),
    [
      'agents.defaults.model=gw/a',
      'agents.defaults.heartbeat.model=gw/b',
      'agents.entries.main.model.primary=gw/c',
      'agents.entries.main.model.fallbacks[0]=gw/d',
    ],
  )
  assert.deepEqual(mentionsOf(undefined), [])
})

test('entries are read with the api of their models, and addresses of this machine are one place', () => {
  const [entry] = entriesOf({
    providers: {
      gw: {
        baseUrl: 'http://x/v1',
        models: [
          { id: 'a', api: 'ollama' },
          { id: 'b', api: 'ollama' },
        ],
      },
    },
  })
  assert.deepEqual(entry, { id: 'gw', baseUrl: 'http://x/v1', apis: ['ollama'], apiKey: undefined, starts: false, modelIds: ['a', 'b'] })
  assert.deepEqual(entriesOf(undefined), [])
  const [here, ...same] = ['http://localhost:8640/v1', 'http://127.0.0.1:8640', 'http://[::1]:8640/'].map(placeOfUrl)
  assert.ok(same.every((place) => place === here))
  assert.notEqual(placeOfUrl('http://127.0.0.1:8641'), here)
  assert.equal(placeOfUrl('not a url'), undefined)
})

test('the api is the one that is asked for, else that of an earlier run; none that OpenClaw cannot start what is to be started for', () => {
  const entry = (written: JsonObject) => entriesOf({ providers: { turnpike: { baseUrl: 'http://x', models: [], ...written } } })[0]
  const localService = { command: '/node' }
  assert.equal(chosenApi({}, undefined).api, 'openai-completions')
  assert.equal(chosenApi({}, entry({ api: 'anthropic-messages', localService })).api, 'anthropic-messages')
  assert.equal(chosenApi({ api: 'google-generative-ai' }, entry({ api: 'anthropic-messages' })).api, 'google-generative-ai')
  for (const [asked, before] of [
    [{ api: 'google-generative-ai', localService: true }, undefined],
    [{ localService: true }, entry({ api: 'google-generative-ai' })],
  ] as const)
    assert.throws(
      () => chosenApi(asked, before),
      /^CliFailure: OpenClaw starts nothing for google-generative-ai: leave --local-service out/,
    )
  assert.throws(
    () => chosenApi({ api: 'google-generative-ai' }, entry({ localService })),
    /openclaw config unset models\.providers\.turnpike\.localService$/,
  )
})
