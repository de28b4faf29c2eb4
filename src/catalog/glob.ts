// Patterns of allow- and deny-lists: `*` stands for any characters, nothing else is special.

/** Without a regular expression: linear in the id, whatever the pattern. */
export function createGlob(pattern: string): (id: string) => boolean {
  const pieces = pattern.split('*')
  const [first = ''] = pieces
  if (pieces.length === 1) return (id) => id === pattern
  const last = pieces.at(-1)!
  const middle = pieces.slice(1, -1)
  return (id) => {
    if (id.length < first.length + last.length || !id.startsWith(first) || !id.endsWith(last)) return false
    let at = first.length
    for (const piece of middle) {
      const found = id.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= id.length - last.length
  }
}
