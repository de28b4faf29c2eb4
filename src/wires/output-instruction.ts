// A format that a wire or model has no field for, asked for in words.
import type { OutputFormat } from '#ir'

export function outputInstruction(output: Exclude<OutputFormat, { type: 'text' }>): string {
  if (output.type === 'json' || output.schema === undefined) return 'Answer with a single JSON object and nothing else.'
  return `Answer with a single JSON value and nothing else. It must match this JSON Schema:\n${JSON.stringify(output.schema)}`
}
