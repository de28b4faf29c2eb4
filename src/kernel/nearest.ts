// "Did you mean": the known names closest to one that was mistyped.

/**
 * At most `limit` of `known`, closest first: within a third of the longer name in edits (Damerau, case ignored), or sharing a
 * beginning or a part of at least three characters with it. [] when nothing is near. Long foreign names are cut at 128 characters.
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  const wanted = name.slice(0, 128).toLowerCase()
  const near: { candidate: string; edits: number }[] = []
  for (const candidate of known) {
    const lower = candidate.slice(0, 128).toLowerCase()
    const edits = editsBetween(wanted, lower)
    const contained = wanted.length >= 3 && (lower.includes(wanted) || (lower.length >= 3 && wanted.includes(lower)))
    if (contained || edits <= Math.max(wanted.length, lower.length) / 3) near.push({ candidate, edits })
  }
  near.sort((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1))
  return near.slice(0, limit).map(({ candidate }) => candidate)
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, beforeLast[j - 2]! + 1)
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
