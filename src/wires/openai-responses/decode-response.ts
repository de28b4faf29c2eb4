// A whole response -> IR, through the same mapping as its stream.
import type { JsonObject } from '#kernel'
import { fold, type Dialect, type Response } from '#ir'
import { ResponseDecoder } from './decode-stream.ts'

/** Throws a classified Failure when the body is an error inside a 200, `bad_response` when it is something else. */
export function decodeResponse(body: JsonObject, dialect: Dialect): Response {
  return fold(new ResponseDecoder(dialect).whole(body))
}
