// Texts for prompts, as agents send them: prose, code and tool results, quotes and line ends included, compressible as such text is.

/** JSON-escaped texts of about 1.5 KB each, one a line, the same for the same seed. */
export function promptTexts(count: number, seed: number): string {
  const random = randomFrom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const word = () => pick(syllables) + pick(syllables) + (random() < 0.4 ? pick(syllables) : '')
  const vocabulary = Array.from({ length: 6000 }, word)
  /** Common words come more often, as in any language. */
  const common = () => vocabulary[Math.floor(random() ** 3 * vocabulary.length)]!
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

  const prose = () =>
    Array.from({ length: 14 }, () => Array.from({ length: 8 + Math.floor(random() * 10) }, common).join(' ') + '. ').join('')
  const code = () =>
    Array.from(
      { length: 26 },
      () =>
        `  const ${common()} = await ${common()}.${common()}('${common()}', { ${common()}: ${Math.floor(random() * 1000)}, id: "${hex(6)}" })`,
    ).join('\n')
  const result = () =>
    JSON.stringify(
      Array.from({ length: 9 }, () => ({
        id: hex(12),
        path: `src/${common()}/${common()}.ts`,
        line: Math.floor(random() * 2000),
        score: random(),
        match: `${common()} ${common()} "${common()}"`,
        ok: random() < 0.5,
      })),
      null,
      1,
    )
  // About 27 backslashes a KB: three times what OpenClaw's recorded requests have, and far from a body that is nothing but quoted JSON.
  const mix = [prose, prose, prose, prose, prose, prose, code, code, code, result]
  const lines = Array.from({ length: count }, () => JSON.stringify(pick(mix)()).slice(1, -1))
  return lines.join('\n') + '\n'
}

const syllables = [
  'ta',
  'ren',
  'lo',
  'mi',
  'sub',
  'ker',
  'ion',
  'pra',
  'ster',
  'vel',
  'ou',
  'gan',
  'thi',
  'qua',
  'be',
  'nor',
  'ex',
  'al',
  'fi',
  'du',
  'ish',
  'ment',
  'co',
  'pli',
]

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
