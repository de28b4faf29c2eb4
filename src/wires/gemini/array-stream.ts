// `streamGenerateContent` without `alt=sse`: the same chunks as the elements of one JSON array. Text in, text out.

export interface ArrayStream {
  /** Frames of a stream (`data: {...}` and a blank line), cut anywhere. */
  push(text: string): string
  /** What closes the array; a last frame without its blank line is in it. Not called, the array stays open: an answer that was cut. */
  end(): string
}

const blankLine = /\r\n\r\n|\n\n|\r\r/g

export function createArrayStream(): ArrayStream {
  let held: string[] = []
  let tail = ''
  let begun = false

  function element(frame: string): string {
    const data = frame
      .split(/\r\n|\n|\r/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5))
    if (data.length === 0) return ''
    const json = data.join('\n')
    if (json === '' || json === '[DONE]') return ''
    const before = begun ? ',\r\n' : '['
    begun = true
    return before + json
  }

  return {
    push(text) {
      // A blank line may be cut: the last three characters of what is held are looked at again.
      const fresh = tail + text
      let out = ''
      let from = 0
      for (const found of fresh.matchAll(blankLine)) {
        // A CR at the very end may be the first half of a newline.
        out += element(held.join('') + fresh.slice(from, found.index))
        held = []
        from = found.index + found[0].length
      }
      const rest = fresh.slice(from)
      const kept = Math.min(3, rest.length)
      held.push(rest.slice(0, rest.length - kept))
      tail = rest.slice(rest.length - kept)
      return out
    },
    end() {
      const out = element(held.join('') + tail)
      held = []
      tail = ''
      return out + (begun ? ']' : '[]')
    },
  }
}
