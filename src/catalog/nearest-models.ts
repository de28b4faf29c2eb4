// "Did you mean", among thousands of model names: letters in common choose a few, edit distance orders those.
import { nearestNames } from '#kernel'

/** Edit distance is quadratic in the names; this many are measured, whatever is asked. */
const maxMeasured = 24
const maxCharacters = 96
/** Pairs of letters share this many places; two pairs in one place only make a worse candidate. */
const places = 4096

/** `names` is asked once, at the first unknown name. At most `count` come back, nearest first. */
export function createNameFinder(names: () => readonly string[]): (name: string, count: number) => readonly string[] {
  let index: PairIndex | undefined
  return (name, count) => {
    index ??= indexPairs(names())
    const { all, starts, members } = index
    const shared = new Uint8Array(all.length)
    for (const pair of new Set(pairsOf(name))) {
      for (let at = starts[pair]!; at < starts[pair + 1]!; at++) shared[members[at]!]!++
    }
    // Shared pairs against length: else long names would win for having more of everything.
    const length = Math.min(name.length, maxCharacters)
    const likely: { readonly candidate: string; readonly score: number }[] = []
    for (let at = 0; at < all.length; at++) {
      if (shared[at]! > 0) likely.push({ candidate: all[at]!, score: shared[at]! / (length + all[at]!.length) })
    }
    likely.sort((a, b) => b.score - a.score)
    return nearestNames(
      name.slice(0, maxCharacters),
      likely.slice(0, maxMeasured).map(({ candidate }) => candidate),
      count,
    )
  }
}

/** The names that have a pair are `members` from `starts[pair]` to `starts[pair + 1]`. */
type PairIndex = { readonly all: readonly string[]; readonly starts: Uint32Array; readonly members: Uint32Array }

function indexPairs(all: readonly string[]): PairIndex {
  const pairs = all.map((name) => pairsOf(name))
  const starts = new Uint32Array(places + 1)
  for (const of of pairs) for (const pair of of) starts[pair + 1]!++
  for (let pair = 0; pair < places; pair++) starts[pair + 1]! += starts[pair]!
  const members = new Uint32Array(starts[places]!)
  const next = starts.slice()
  for (const [at, of] of pairs.entries()) for (const pair of of) members[next[pair]!++] = at
  return { all, starts, members }
}

function pairsOf(name: string): number[] {
  const lower = name.slice(0, maxCharacters).toLowerCase()
  const pairs: number[] = []
  for (let i = 0; i + 1 < lower.length; i++) pairs.push((lower.charCodeAt(i) * 61 + lower.charCodeAt(i + 1)) % places)
  return pairs
}
