// Request bodies of the admin API: one JSON object, or a sentence that says what is wrong with it and never quotes it.
import type { FastifyInstance } from 'fastify'
import { Failure, parseBody, type JsonObject } from '#kernel'
import { AdminFailure, wrongParameter } from './failure.ts'

/** Replaces Fastify's parsers by the one of this API. An empty body is undefined. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: { headers: Headers }, bytes: Buffer) => {
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw unsupported(
        `The body is encoded as ${JSON.stringify(String(encoding).slice(0, 40))}; send it as it is, without content-encoding.`,
      )
    return bytes.length === 0 ? undefined : parseObject(bytes)
  })
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export function unsupported(message: string): AdminFailure {
  return new AdminFailure(415, 'unsupported_media_type', message)
}

/** Throws a 400 that says where the bytes are not JSON, or which key is given twice. */
export function parseObject(bytes: Buffer): JsonObject {
  let object: JsonObject
  try {
    object = parseBody(bytes, 0, bytes.length, [])
  } catch (error) {
    throw error instanceof Failure ? new AdminFailure(400, 'invalid_request', error.message) : error
  }
  refuseTwice(bytes.toString('utf8'))
  return object
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gy
const between = /[^"{}[\],:]*/y

type Container = { readonly keys: Set<string> | undefined; readonly where: string; key: string; index: number }

/** JSON.parse keeps the last of two equal keys, and another reader may keep the first. `text` is JSON. */
function refuseTwice(text: string): void {
  const open: Container[] = []
  let expectsKey = false
  for (let at = 0; ;) {
    between.lastIndex = at
    token.lastIndex = at + between.exec(text)![0].length
    const found = token.exec(text)?.[0]
    if (found === undefined) return
    at = token.lastIndex
    const within = open.at(-1)
    switch (found) {
      case '{':
      case '[':
        open.push({ keys: found === '{' ? new Set() : undefined, where: within === undefined ? '' : below(within), key: '', index: 0 })
        expectsKey = found === '{'
        break
      case '}':
      case ']':
        open.pop()
        expectsKey = false
        break
      case ',':
        within!.index++
        expectsKey = within!.keys !== undefined
        break
      case ':':
        break
      default:
        if (!expectsKey) break
        expectsKey = false
        within!.key = JSON.parse(found) as string
        refuseKey(within!)
    }
  }
}

function refuseKey(within: Container): void {
  const { key, keys } = within
  const field = below(within)
  if (key === '__proto__') throw wrongParameter(field, `The field '${field}' cannot have that name.`)
  if (keys!.has(key)) throw wrongParameter(field, `The field '${field}' is in the body more than once. Send it once.`)
  keys!.add(key)
}

/** The path of what is being read: `credentials[0].value`. Keys may be anything, so they are shown in part. */
function below({ keys, where, key, index }: Container): string {
  if (keys === undefined) return `${where}[${index}]`
  const name = key.slice(0, 64)
  return where === '' ? name : `${where}.${name}`
}
