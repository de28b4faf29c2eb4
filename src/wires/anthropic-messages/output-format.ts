// Structured output in Anthropic's terms: a schema where the model takes one and the schema is of the kind it takes, else an instruction.
import type { JsonObject } from '#kernel'
import type { Notes, OutputFormat } from '#ir'
import type { Generation } from '#wires/claude-generation'
import { closeSchema } from '#wires/closed-schema'
import { outputInstruction } from '#wires/output-instruction'

export type EncodedOutput = { readonly format?: JsonObject; readonly instruction?: string }

export function encodeOutput(output: OutputFormat | undefined, generation: Generation, notes: Notes): EncodedOutput {
  if (output === undefined || output.type === 'text') return {}
  if (output.type === 'json' || output.schema === undefined) {
    notes.approximated('output', 'Anthropic has no JSON mode; an instruction asks for it')
    return { instruction: outputInstruction(output) }
  }
  if (output.name !== undefined) notes.dropped('output.name', 'schemas have no name on this wire')
  if (output.description !== undefined) notes.dropped('output.description', 'schemas have no description beside them on this wire')
  const closed = generation.schemas ? closeSchema(output.schema) : undefined
  if (closed === undefined) {
    const why = generation.schemas ? 'objects with free keys cannot be enforced' : 'this model takes no schema'
    notes.approximated('output.schema', `${why}; an instruction carries it`)
    return { instruction: outputInstruction(output) }
  }
  if (closed !== output.schema)
    notes.approximated('output.schema', 'objects are closed, and limits that Anthropic cannot enforce become descriptions')
  return { format: { type: 'json_schema', schema: closed } }
}
