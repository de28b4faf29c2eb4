// What this thread parses, which the gateway and its clients share in a test.

/** The longest text that was parsed on this thread meanwhile, in characters. */
export async function longestParsed(during: () => Promise<void>): Promise<number> {
  const parse = JSON.parse
  let longest = 0
  JSON.parse = (text: string, ...rest) => {
    longest = Math.max(longest, text.length)
    return parse(text, ...rest) as unknown
  }
  try {
    await during()
  } finally {
    JSON.parse = parse
  }
  return longest
}
