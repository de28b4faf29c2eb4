// Counts and times -> IR.
import { asCount, type JsonObject } from '#kernel'
import type { Usage } from '#ir'

/** Nanoseconds; the counts are tokens. */
const fields = ['prompt_eval_count', 'eval_count', 'total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration']

/**
 * undefined when nothing is counted. Ollama leaves out what is 0: older versions counted no tokens of a prompt that was in their cache,
 * and a prompt that was there entirely has no count.
 */
export function decodeUsage(line: JsonObject): Usage | undefined {
  const prompt = asCount(line['prompt_eval_count'])
  const answer = asCount(line['eval_count'])
  if (prompt === undefined && answer === undefined) return undefined
  const raw: JsonObject = {}
  for (const field of fields) if (line[field] !== undefined) raw[field] = line[field]
  return { input: { total: prompt ?? 0, fresh: prompt ?? 0 }, output: { total: answer ?? 0 }, raw }
}
