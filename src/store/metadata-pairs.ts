// The pairs of a record's metadata.

/** Pairs of a record's metadata; text that is not a JSON object of strings has none. */
export function metadataPairs(metadata: string): [string, string][] {
  if (metadata === '') return []
  try {
    const parsed: unknown = JSON.parse(metadata)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return []
    return Object.entries(parsed).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  } catch {
    return []
  }
}
