// Response -> events: the stream that would have told it.
import type { AssistantPart, Citation, Ext, Logprob, Seal } from './request.ts'
import type { PartHead, Response, StreamEvent } from './response.ts'

/** `fold(explode(response))` is the response again. Cache marks on parts have no event: answers carry none. */
export function explode(response: Response): StreamEvent[] {
  const events: StreamEvent[] = [
    {
      type: 'start',
      ...(response.id === undefined ? {} : { id: response.id }),
      ...(response.model === undefined ? {} : { model: response.model }),
      ...(response.created === undefined ? {} : { created: response.created }),
      ...(response.ext === undefined ? {} : { ext: response.ext }),
    },
  ]
  response.parts.forEach((part, index) => explodePart(part, index, events))
  if (response.usage !== undefined) events.push({ type: 'usage', usage: response.usage })
  events.push({ type: 'finish', finish: response.finish })
  return events
}

function explodePart(part: AssistantPart, index: number, events: StreamEvent[]): void {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return spell({ type: part.type }, part.text, part, index, events)
    case 'reasoning': {
      const summary = part.summary === undefined ? {} : { summary: part.summary }
      if (part.text !== '' || part.seal === undefined) return spell({ type: 'reasoning', ...summary }, part.text, part, index, events)
      const ext = part.ext === undefined ? {} : { ext: part.ext }
      events.push({ type: 'part', index, part: { type: 'reasoning', text: '', seal: part.seal, ...summary, ...ext } })
      return
    }
    case 'tool-call': {
      const kind = part.kind === undefined ? {} : { kind: part.kind }
      return spell({ type: 'tool-call', id: part.id, name: part.name, ranBy: part.ranBy, ...kind }, part.args, part, index, events)
    }
    case 'media':
    case 'tool-result':
    case 'opaque':
      events.push({ type: 'part', index, part })
      return
    default:
      part satisfies never
  }
}

/** What is said of a part when it ends. */
type Told = { readonly seal?: Seal; readonly citations?: readonly Citation[]; readonly logprobs?: readonly Logprob[]; readonly ext?: Ext }

function spell(part: PartHead, text: string, end: Told, index: number, events: StreamEvent[]): void {
  // A whole answer knows from the start what a stream would learn at the part's end.
  events.push({ type: 'part-start', index, part: end.ext === undefined ? part : { ...part, ext: end.ext } })
  if (text !== '') events.push({ type: 'part-delta', index, text })
  events.push({
    type: 'part-end',
    index,
    ...(end.seal === undefined ? {} : { seal: end.seal }),
    ...(end.citations === undefined ? {} : { citations: end.citations }),
    ...(end.logprobs === undefined ? {} : { logprobs: end.logprobs }),
    ...(end.ext === undefined ? {} : { ext: end.ext }),
  })
}
