// Temperature, top_p and top_k within what a generation of Claude takes; other models behind the same wires take all three.
import type { Notes, Request } from '#ir'
import type { Generation } from './claude-generation.ts'

export type Sampling = { readonly temperature?: number; readonly topP?: number; readonly topK?: number }

/** OpenAI's temperature goes to 2, Anthropic's to 1; while thinking it is fixed, and newer models take no sampling parameters at all. */
export function encodeSampling(request: Request, generation: Generation, thinks: boolean, notes: Notes): Sampling {
  const sampling: { temperature?: number; topP?: number; topK?: number } = {}
  const { temperature, topP, topK } = request
  const fixed = generation.sampling === 'none' ? 'this model takes no sampling parameters' : 'Anthropic fixes it while thinking'
  if (temperature !== undefined) {
    if ((thinks || generation.sampling === 'none') && temperature !== 1) notes.dropped('temperature', fixed)
    else if (generation.sampling !== 'none') {
      sampling.temperature = Math.min(temperature, 1)
      if (temperature > 1) notes.approximated('temperature', 'on this wire it goes from 0 to 1')
    }
  }
  if (topP !== undefined) {
    if (generation.sampling === 'none') noteUnless(topP === 1, 'topP', fixed, notes)
    else if (thinks && topP < 0.95) notes.dropped('topP', fixed)
    else if (generation.sampling === 'one' && sampling.temperature !== undefined)
      noteUnless(topP === 1, 'topP', 'this model takes temperature or top_p, not both', notes)
    else sampling.topP = topP
  }
  if (topK !== undefined) {
    if (thinks || generation.sampling === 'none') notes.dropped('topK', fixed)
    else sampling.topK = topK
  }
  return sampling
}

function noteUnless(harmless: boolean, path: string, why: string, notes: Notes): void {
  if (!harmless) notes.dropped(path, why)
}
