// Events -> response: what a stream said, in one piece.
import { Failure } from '#kernel'
import { createGrammar } from './grammar.ts'
import type { AssistantPart, Ext, Wire } from './request.ts'
import type { Finish, PartHead, Response, StreamEvent, Usage } from './response.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
type PartEnd = Extract<StreamEvent, { type: 'part-end' }>
type OpenPart = { readonly head: PartHead; text: string; end: PartEnd | undefined }

/**
 * The response that the events tell. Throws the `Failure` of an `error` event, `ended_early` when there is no terminal event, and
 * `internal_error` when a codec broke the grammar.
 */
export function fold(events: Iterable<StreamEvent>): Response {
  const grammar = createGrammar()
  const parts: (AssistantPart | OpenPart)[] = []
  let start: Start | undefined
  let usage: Usage | undefined
  let finish: Finish | undefined
  let ext: Ext | undefined

  for (const event of events) {
    const wrong = grammar.check(event)
    if (wrong !== undefined) throw new Failure('internal_error', `A codec produced an impossible stream: ${wrong}.`)
    switch (event.type) {
      case 'start':
        start = event
        ext = event.ext
        break
      case 'part-start':
        parts.push({ head: event.part, text: '', end: undefined })
        break
      case 'part-delta':
        ;(parts[event.index] as OpenPart).text += event.text
        break
      case 'part-end':
        ;(parts[event.index] as OpenPart).end = event
        break
      case 'part':
        parts.push(event.part)
        break
      case 'usage':
        usage = event.usage
        break
      case 'finish':
        finish = event.finish
        ext = mergeExt(ext, event.ext)
        break
      case 'error':
        throw event.error
      default:
        throw event satisfies never
    }
  }
  if (start === undefined || finish === undefined) {
    throw new Failure('ended_early', 'The provider ended its answer without saying that it was complete.')
  }
  return {
    ...(start.id === undefined ? {} : { id: start.id }),
    ...(start.model === undefined ? {} : { model: start.model }),
    ...(start.created === undefined ? {} : { created: start.created }),
    parts: parts.map((part) => ('head' in part ? closed(part) : part)),
    finish,
    ...(usage === undefined ? {} : { usage }),
    ...(ext === undefined ? {} : { ext }),
  }
}

function closed(part: OpenPart): AssistantPart {
  const { head, text, end } = part
  const seal = end?.seal === undefined ? {} : { seal: end.seal }
  const ext = end?.ext === undefined ? {} : { ext: end.ext }
  switch (head.type) {
    case 'text': {
      const citations = end?.citations === undefined ? {} : { citations: end.citations }
      const logprobs = end?.logprobs === undefined ? {} : { logprobs: end.logprobs }
      return { ...head, text, ...citations, ...logprobs, ...ext }
    }
    case 'refusal':
      return { ...head, text, ...ext }
    case 'reasoning':
      return { ...head, text, ...seal, ...ext }
    case 'tool-call':
      return { ...head, args: text, ...seal, ...ext }
    default:
      return head satisfies never
  }
}

function mergeExt(first: Ext | undefined, second: Ext | undefined): Ext | undefined {
  if (first === undefined || second === undefined) return first ?? second
  const merged: { [W in Wire]?: Ext[W] } = { ...first }
  for (const wire of Object.keys(second) as Wire[]) merged[wire] = { ...first[wire], ...second[wire] }
  return merged
}
