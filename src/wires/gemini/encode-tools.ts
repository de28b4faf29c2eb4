// Tools and the choice among them -> `tools` and `toolConfig`.
import type { JsonObject, JsonValue } from '#kernel'
import type { FunctionTool, Notes, Request, Tool } from '#ir'
import { toGoogleName } from './encode-parts.ts'
import { isGiven, objectOf, ownExt, wire } from './fields.ts'
import type { Generation } from './generation.ts'

/** Functions in one tool, as Google wants them; hosted tools as they came. */
export function encodeTools(tools: readonly Tool[] | undefined, notes: Notes): JsonObject[] {
  const functions: JsonObject[] = []
  const hosted: JsonObject[] = []
  for (const [i, tool] of (tools ?? []).entries()) {
    const path = `tools[${i}]`
    switch (tool.type) {
      case 'function':
        functions.push(encodeFunction(tool, path, notes))
        break
      case 'hosted':
        if (tool.wire === wire) hosted.push(tool.value)
        else notes.dropped(path, `"${tool.kind}" is a tool of ${tool.wire}`)
        break
      case 'custom':
        notes.dropped(path, 'Gemini has no tools that take free text')
        break
      default:
        tool satisfies never
    }
  }
  return [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...hosted]
}

function encodeFunction(tool: FunctionTool, path: string, notes: Notes): JsonObject {
  notes.foreignExt(tool.ext, path)
  if (tool.cache !== undefined) notes.dropped(`${path}.cache`, 'Gemini caches by itself, without marks')
  const name = toGoogleName(tool.name)
  if (name !== tool.name) notes.renamed(`${path}.name`, 'Google accepts letters, digits, _ - . and : in names')
  return {
    name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    ...encodeInput(tool.input),
    ...ownExt(tool.ext),
  }
}

/** JSON Schema as it is, references and all: both of Google's APIs take it here. It must describe an object. */
function encodeInput(input: JsonObject | undefined): JsonObject {
  if (input === undefined || Object.keys(input).length === 0) return {}
  return { parametersJsonSchema: input['type'] === undefined ? { type: 'object', ...input } : input }
}

/** `own` is what the client's `toolConfig` held that the IR has no word for. */
export function encodeToolConfig(
  request: Request,
  own: JsonValue | undefined,
  generation: Generation,
  notes: Notes,
): JsonObject | undefined {
  const functions = (request.tools ?? []).filter((tool) => tool.type === 'function')
  const ownConfig = objectOf(own)
  const ownCalling = objectOf(ownConfig['functionCallingConfig'])
  const calling = { ...callingOf(request, functions, isGiven(ownCalling['mode']), generation, notes), ...ownCalling }
  const config = { ...ownConfig, ...(Object.keys(calling).length === 0 ? {} : { functionCallingConfig: calling }) }
  return Object.keys(config).length === 0 ? undefined : config
}

function callingOf(
  request: Request,
  functions: readonly FunctionTool[],
  isStated: boolean,
  generation: Generation,
  notes: Notes,
): JsonObject {
  const { toolChoice, parallelToolCalls } = request
  if (functions.length === 0) {
    if (toolChoice !== undefined && toolChoice.mode !== 'none') notes.dropped('toolChoice', 'there are no functions to choose from')
    return {}
  }
  if (parallelToolCalls === false && toolChoice?.mode !== 'none') notes.dropped('parallelToolCalls', 'Gemini cannot be held to one call')
  const mode = toolChoice?.mode ?? 'auto'
  const isStrict = noteStrict(request.tools ?? [], mode, generation, notes)
  if (isStated) return {}
  switch (toolChoice?.mode) {
    case undefined:
      return isStrict ? { mode: 'VALIDATED' } : {}
    case 'auto':
      return { mode: isStrict ? 'VALIDATED' : 'AUTO' }
    case 'none':
      return { mode: 'NONE' }
    case 'required':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [toGoogleName(toolChoice.name)] }
    default:
      return toolChoice satisfies never
  }
}

/** Schemas are enforced for all functions of a request or for none; a forced call always keeps to its schema. */
function noteStrict(tools: readonly Tool[], mode: string, generation: Generation, notes: Notes): boolean {
  let isStrict = false
  for (const [i, tool] of tools.entries()) {
    if (tool.type !== 'function' || tool.strict !== true) continue
    if (mode === 'none' || (mode === 'auto' && !generation.validated))
      notes.dropped(`tools[${i}].strict`, 'this model cannot enforce the schema')
    else {
      notes.approximated(`tools[${i}].strict`, 'Gemini enforces schemas for all functions at once')
      isStrict = true
    }
  }
  return isStrict
}
