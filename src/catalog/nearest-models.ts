// "Did you mean", among thousands of model names: letters in common choose a few, edit distance orders those.
import { nearestNames } from '#kernel'

/** Edit distance is quadratic in the names; this many are measured, whatever is asked. */
const maxMeasured = 64
const maxCharacters = 96

/** `names` is asked once, at the first unknown name. At most three come back, nearest first. */
export function createNameFinder(names: () => readonly string[]): (name: string) => readonly string[] {
  let index: { readonly all: readonly string[]; readonly byPair: ReadonlyMap<string, readonly number[]> } | undefined
  return (name) => {
    index ??= indexPairs(names())
    const shared = new Map<number, number>()
    for (const pair of pairsOf(name)) for (const at of index.byPair.get(pair) ?? []) shared.set(at, (shared.get(at) ?? 0) + 1)
    const { all } = index
    // Shared pairs against length: else long names would win for having more of everything.
    const likely = [...shared]
      .map(([at, count]) => ({ candidate: all[at]!, score: (2 * count) / (name.length + all[at]!.length) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, maxMeasured)
      .map(({ candidate }) => candidate)
    return nearestNames(name.slice(0, maxCharacters), likely, 3)
  }
}

function indexPairs(all: readonly string[]): { all: readonly string[]; byPair: Map<string, number[]> } {
  const byPair = new Map<string, number[]>()
  for (const [at, name] of all.entries()) {
    for (const pair of pairsOf(name)) {
      const list = byPair.get(pair)
      if (list === undefined) byPair.set(pair, [at])
      else list.push(at)
    }
  }
  return { all, byPair }
}

function pairsOf(name: string): Set<string> {
  const lower = name.slice(0, maxCharacters).toLowerCase()
  const pairs = new Set<string>()
  for (let i = 0; i + 1 < lower.length; i++) pairs.add(lower.slice(i, i + 2))
  return pairs
}
