// What the pass-through lane changes in a chat completion request: whether usage is asked for, and the name of the output cap.
import { isObject, type JsonObject } from '#kernel'
import type { Dialect } from '#ir'
import type { RequestEdit } from '#wires/codec'

export function chatEdits(fields: JsonObject, dialect: Dialect): readonly RequestEdit[] {
  return [...streamOptionsEdit(fields, dialect), ...outputCapEdits(fields, dialect)]
}

/** Without usage a stream has no cost; OpenAI and those like it send it only when asked. */
function streamOptionsEdit(fields: JsonObject, dialect: Dialect): readonly RequestEdit[] {
  const options = fields['stream_options']
  if (dialect.streamOptions === false) return options === undefined ? [] : [{ field: 'stream_options', value: undefined }]
  if (fields['stream'] !== true) return []
  if (!isObject(options)) return [{ field: 'stream_options', value: { include_usage: true } }]
  return options['include_usage'] === true ? [] : [{ field: 'stream_options', value: { ...options, include_usage: true } }]
}

/** The cap stays as written for providers that know both names; a provider that knows only one gets that one. */
function outputCapEdits(fields: JsonObject, { maxTokensField: wanted }: Dialect): readonly RequestEdit[] {
  if (wanted === undefined) return []
  const other = wanted === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const cap = fields[other]
  if (cap === undefined) return []
  const removal = { field: other, value: undefined }
  return fields[wanted] === undefined && cap !== null ? [{ field: wanted, value: cap }, removal] : [removal]
}
