// The stream of Bedrock's InvokeModel for Claude: each message of a binary event stream holds one of Anthropic's events, in base64.
import { asText, isObject, type FailureKind } from '#kernel'
import { awsFailure } from '#wires/aws-errors'
import type { Framing, RawFrame } from '#wires/codec'
import { createEventStreamParser, eventFrame, eventStreamType, exceptionBody, type EventMessage } from '#wires/framing/event-stream'

export const bedrockFraming: Framing = { contentType: eventStreamType, createParser: () => createEventStreamParser(toFrame) }

/**
 * The event as Anthropic itself would have sent it, byte for byte what was inside: also `amazon-bedrock-invocationMetrics` of the last
 * one, which clients don't look at and which nobody has to be kept from.
 */
function toFrame(message: EventMessage): RawFrame | undefined {
  if (message.type === 'exception') return errorFrame(message)
  if (message.name !== 'chunk') return undefined
  const text = message.payload.toString('utf8')
  let payload: unknown
  try {
    payload = JSON.parse(text)
  } catch {
    payload = undefined
  }
  const bytes = isObject(payload) ? payload['bytes'] : undefined
  // What is no chunk goes on as it is: the reader says what is wrong with it.
  if (typeof bytes !== 'string') return eventFrame(undefined, text)
  const data = Buffer.from(bytes, 'base64').toString('utf8')
  return eventFrame(typeOf(data), data)
}

/** `type` is the first member of every event. */
function typeOf(data: string): string | undefined {
  const first = /^\s*\{\s*"type"\s*:\s*"(\w+)"/.exec(data)
  if (first !== null) return first[1]
  try {
    const event: unknown = JSON.parse(data)
    return isObject(event) ? asText(event['type']) : undefined
  } catch {
    return undefined
  }
}

const typeOfKind: Partial<Record<FailureKind, string>> = {
  rate_limited: 'rate_limit_error',
  overloaded: 'overloaded_error',
  request_refused: 'invalid_request_error',
  context_length_exceeded: 'invalid_request_error',
  credential_rejected: 'permission_error',
  target_not_found: 'not_found_error',
}

function errorFrame(exception: EventMessage): RawFrame {
  const { __type: name, message } = exceptionBody(exception)
  const { kind } = awsFailure(undefined, name, message)
  const said = message === '' ? name : message
  return eventFrame('error', JSON.stringify({ type: 'error', error: { type: typeOfKind[kind] ?? 'api_error', message: said } }))
}
