// What `turnpike up` prints once it serves: enough for a first request without reading anything else.
import type { Typed } from './context.ts'
import { plain } from './words.ts'

export type Started = {
  readonly url: string
  readonly home: string
  readonly version: string
  /** Plain text of the key that this start made; undefined at every later start. */
  readonly firstKey: string | undefined
  readonly providers: readonly { readonly slug: string; readonly source: string; readonly simulated: boolean }[]
  /** A model that this instance can answer with; undefined when no provider has a known one. */
  readonly exampleModel: string | undefined
  /** How to type a command that goes to this home. */
  readonly typed: Typed
}

type Emphasise = (text: string) => string

export function greetingLines(started: Started, bold: Emphasise): string[] {
  const { typed } = started
  return [
    `turnpike ${started.version} is listening on ${bold(started.url)}`,
    `Home: ${started.home}`,
    '',
    ...providerLines(started),
    '',
    ...keyLines(started, bold),
    '',
    ...firstRequestLines(started),
    '',
    `Connect OpenClaw: ${bold(typed('openclaw setup'))}`,
    `What happened:    ${typed('requests list')}`,
  ]
}

function providerLines({ providers, typed }: Started): string[] {
  if (providers.length === 0)
    return [`No provider is configured. Add one: ${typed('providers add')}; or set a key such as OPENAI_API_KEY and start again.`]
  const width = Math.max(...providers.map(({ slug }) => slug.length))
  return [
    'Providers:',
    ...providers.map(({ slug, source }) => `  ${slug.padEnd(width)}  ${plain(source)}`),
    ...(providers.every(({ simulated }) => simulated) ? [`Add a real one: ${typed('providers add')}`] : []),
  ]
}

function keyLines({ firstKey }: Started, bold: Emphasise): string[] {
  if (firstKey === undefined) return ['Gateway key: the one that the first start printed (or one declared in turnpike.yaml).']
  return [`Gateway key: ${bold(firstKey)}`, '  It is shown this once; only its hash is kept.']
}

function firstRequestLines({ url, firstKey, exampleModel }: Started): string[] {
  const title = firstKey === undefined ? 'A request, once GATEWAY_KEY holds that key in your shell' : 'A first request'
  return requestLines(url, firstKey, exampleModel, title)
}

/** A `curl` that works as pasted. Without the key it reads it from the shell. */
export function requestLines(url: string, gatewayKey: string | undefined, exampleModel: string | undefined, title: string): string[] {
  const key = gatewayKey ?? '$GATEWAY_KEY'
  const intro = `${title}:`
  if (exampleModel === undefined) return [intro, '', `curl -sS ${url}/v1/models -H "Authorization: Bearer ${key}"`]
  const body = JSON.stringify({ model: exampleModel, messages: [{ role: 'user', content: 'Hello!' }] })
  return [
    intro,
    '',
    `curl -sS ${url}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
    `  -d '${body.replaceAll("'", String.raw`'\''`)}'`,
  ]
}

/** The same for a program, in one line. */
export function greetingJson(started: Started): string {
  return JSON.stringify({
    ready: true,
    url: started.url,
    home: started.home,
    version: started.version,
    providers: started.providers.map(({ slug, source }) => ({ slug, source })),
    ...(started.firstKey === undefined ? {} : { gateway_key: started.firstKey }),
    ...(started.exampleModel === undefined ? {} : { example_model: started.exampleModel }),
  })
}
