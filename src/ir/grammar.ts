// The grammar of a stream of events: says which event breaks it, and how.
import type { PartHead, StreamEvent } from './response.ts'

export interface Grammar {
  /** A sentence that says what is wrong with the next event; undefined when it may stand there. */
  check(event: StreamEvent): string | undefined
  /** The terminal event has been seen. */
  finished(): boolean
}

/** Checks `start (part-start part-delta* part-end | part | usage)* (finish | error)`, see `StreamEvent`. */
export function createGrammar(): Grammar {
  const open = new Map<number, PartHead['type']>()
  let started = false
  let terminal: StreamEvent['type'] | undefined
  let nextIndex = 0

  function begins(type: string, index: number): string | undefined {
    if (index !== nextIndex) return `\`${type}\` has index ${index}, the next part is ${nextIndex}`
    nextIndex++
    return undefined
  }

  return {
    check(event) {
      if (terminal !== undefined) return `\`${event.type}\` comes after the terminal \`${terminal}\``
      if (!started && event.type !== 'start') return `\`${event.type}\` comes before \`start\``
      switch (event.type) {
        case 'start':
          if (started) return 'a second `start`'
          started = true
          return undefined
        case 'part-start': {
          const wrong = begins('part-start', event.index)
          if (wrong === undefined) open.set(event.index, event.part.type)
          return wrong
        }
        case 'part-delta':
          if (!open.has(event.index)) return `\`part-delta\` for part ${event.index}, which is not open`
          return event.text === '' ? `an empty \`part-delta\` for part ${event.index}` : undefined
        case 'part-end': {
          const type = open.get(event.index)
          if (type === undefined) return `\`part-end\` for part ${event.index}, which is not open`
          open.delete(event.index)
          if (event.seal !== undefined && type !== 'reasoning' && type !== 'tool-call') return `a seal on a part of type ${type}`
          return (event.citations !== undefined || event.logprobs !== undefined) && type !== 'text'
            ? `citations or logprobs on a part of type ${type}`
            : undefined
        }
        case 'part':
          return begins('part', event.index)
        case 'usage':
          return undefined
        case 'finish':
          if (open.size > 0) return `\`finish\` while ${[...open.keys()].map((index) => `part ${index}`).join(', ')} is open`
          terminal = 'finish'
          return undefined
        case 'error':
          terminal = 'error'
          return undefined
        default:
          return unknown(event)
      }
    },
    finished: () => terminal !== undefined,
  }
}

function unknown(event: never): string {
  return `an unknown event ${JSON.stringify(event)}`
}
