// What a request asks of a target that money depends on, after its config has had its say: how much output, how many answers, which tier.
import type { Inspected } from '#inspection'
import type { ClientWire } from '#ir'
import { Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { ParamEdit, PlannedTarget } from '#routing'

/** Where each wire says it. Any of `names` in the first of `within` that is there (or in the body); the first one is written where none is. */
export const outputFields: Readonly<Record<ClientWire, { readonly names: readonly string[]; readonly within?: readonly string[] }>> = {
  'openai-chat': { names: ['max_completion_tokens', 'max_tokens'] },
  'openai-responses': { names: ['max_output_tokens'] },
  'anthropic-messages': { names: ['max_tokens'] },
  gemini: { names: ['maxOutputTokens', 'max_output_tokens'], within: ['generationConfig', 'generation_config'] },
}

const containers = outputFields.gemini.within ?? []

/** What a model gives at most, where nobody knows better and its window has room for it. */
const unknownCap = 32_768

export type Place = { readonly within: string | undefined; readonly members: JsonObject }

/** Throws `Failure('invalid_request')` where it is there in two spellings: a provider may read the other one. */
export function placeOf(wire: ClientWire, { fields, body }: Inspected): Place {
  const { within } = outputFields[wire]
  if (within === undefined) return { within, members: fields }
  const there = within.filter((name) => body.member(name) !== undefined)
  if (there.length > 1)
    throw new Failure('invalid_request', `The body has both "${there[0]}" and "${there[1]}", which mean the same. Send one of them.`, {
      param: there[1]!,
    })
  const name = there[0] ?? within[0]!
  const value = body.member(name)
  return { within: name, members: isObject(value) ? value : {} }
}

/** Throws `Failure('invalid_request')` for what is no number: it would pass every limit. */
export function refuseNonsense(wire: ClientWire, inspected: Inspected, { within, members }: Place): void {
  const refuse = (name: string, value: JsonValue | undefined, what: string): void => {
    if (value === undefined || value === null || isCount(value)) return
    const field = within === undefined ? name : `${within}.${name}`
    throw new Failure('invalid_request', `The field "${field}" must be a whole number of ${what} from 1 to ${Number.MAX_SAFE_INTEGER}.`, {
      param: field,
    })
  }
  for (const name of outputFields[wire].names) refuse(name, members[name], 'tokens')
  const answers = answersIn(inspected, { within, members })
  for (const name of answerNames({ within, members })) refuse(name, answers[name], 'answers')
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** What a target is told in any of these fields, after its config has had its say. A provider may read each of them. */
function toldTo({ params }: PlannedTarget, names: readonly string[], members: JsonObject, within?: string): readonly JsonValue[] {
  const said = names.filter((name) => members[name] !== undefined)
  if (params === undefined) return said.map((name) => members[name] as JsonValue)
  const told = new Map<string, JsonValue>(said.map((name) => [name, members[name] as JsonValue]))
  const isInObject = within !== undefined
  const tell = ({ field, value, within: inside }: ParamEdit): void => {
    if ((inside !== undefined) === isInObject && names.includes(field)) {
      if (value === undefined) told.delete(field)
      else told.set(field, value)
    } else if (isInObject && inside === undefined && containers.includes(field)) {
      // The object itself is written anew, or left out; of two spellings a provider may read either.
      if (field === within) told.clear()
      for (const name of names)
        if (isObject(value) && value[name] !== undefined) told.set(field === within ? name : `${field}.${name}`, value[name])
    }
  }
  if (told.size === 0) params.defaults.forEach(tell)
  params.edits.forEach(tell)
  for (const { field, steps } of params.removals ?? []) if (field === within && steps.length === 1) told.delete(steps[0]!)
  return [...told.values()]
}

function mostOf(values: readonly JsonValue[]): number | undefined {
  const counts = values.filter(isCount)
  return counts.length === 0 ? undefined : Math.max(...counts)
}

const answerFields = ['n']
const candidateFields = ['candidateCount', 'candidate_count']

function answersIn(inspected: Inspected, { within, members }: Place): JsonObject {
  return within === undefined ? topOf(inspected, answerFields) : members
}

function answerNames({ within }: Place): readonly string[] {
  return within === undefined ? answerFields : candidateFields
}

function topOf({ fields, body }: Inspected, names: readonly string[]): JsonObject {
  const top: JsonObject = {}
  for (const name of names) {
    const value = fields[name] ?? body.member(name)
    if (value !== undefined) top[name] = value
  }
  return top
}

/** How many answers at once. */
export function answersAsked(target: PlannedTarget, inspected: Inspected, place: Place): number {
  return mostOf(toldTo(target, answerNames(place), answersIn(inspected, place), place.within)) ?? 1
}

export function outputCap(target: PlannedTarget, wire: ClientWire, inputTokens: number, { within, members }: Place): number {
  const { maxOutputTokens, contextWindow = Infinity } = target.model
  const wanted = mostOf(toldTo(target, outputFields[wire].names, members, within))
  // As much as the model gives, where nobody says how much. Inputs are rather estimated too long, which leaves more room than it seems.
  if (wanted === undefined) return maxOutputTokens ?? Math.max(1, Math.min(unknownCap, Math.floor(contextWindow - inputTokens / 2)))
  return maxOutputTokens === undefined ? wanted : Math.min(wanted, maxOutputTokens)
}

/** What a model calls of a tool that its provider runs, where nobody says how often it may. */
const unsaidCalls = 5

/** How often a target may call a tool that its provider runs and bills by the call: `web_search` is `web_search_20250305` and `web_search_preview`. */
export function callsAsked(target: PlannedTarget, inspected: Inspected, kind: string): number {
  const tools = inspected.body.member('tools')
  const most = mostOf(toldTo(target, callFields, topOf(inspected, callFields)))
  let calls = 0
  for (const tool of Array.isArray(tools) ? tools : []) {
    if (!isObject(tool) || typeof tool['type'] !== 'string' || !tool['type'].startsWith(kind)) continue
    const uses = tool['max_uses']
    calls += isCount(uses) ? uses : (most ?? unsaidCalls)
  }
  return calls
}

const callFields = ['max_tool_calls']

const tierFields = ['service_tier', 'serviceTier']
const maxTierCharacters = 32

/** The tier to be served in; OpenAI's and Anthropic's field, and Google's; its words are theirs alike. undefined: nobody says one. */
export function tierAsked(inspected: Inspected | undefined, target: PlannedTarget | undefined): string | undefined {
  const fields = inspected?.fields ?? noFields
  const tier =
    target?.params === undefined
      ? (fields['service_tier'] ?? fields['serviceTier'])
      : toldTo(target, tierFields, fields).find((value) => typeof value === 'string')
  return typeof tier === 'string' && tier !== '' && tier.length <= maxTierCharacters ? tier.toLowerCase() : undefined
}

const noFields: JsonObject = {}

/** A model that may not think as long as it was told to refuses the request. */
export function thinkingBudget(wire: ClientWire, { body }: Inspected, { members }: Place): number {
  if (wire === 'anthropic-messages') {
    const thinking = body.member('thinking')
    const budget = isObject(thinking) ? thinking['budget_tokens'] : undefined
    return typeof budget === 'number' ? budget + 1 : 0
  }
  if (wire !== 'gemini') return 0
  const thinking = members['thinkingConfig'] ?? members['thinking_config']
  const budget = isObject(thinking) ? (thinking['thinkingBudget'] ?? thinking['thinking_budget']) : undefined
  return typeof budget === 'number' && budget > 0 ? budget + 1 : 0
}
