// `tools` and `toolConfig` -> tools and the choice among them.
import { asText, type JsonObject, type JsonValue } from '#kernel'
import type { FunctionTool, Tool, ToolChoice } from '#ir'
import { asExt, isGiven, readArray, readMessage, readName, readObject, readText, restOf, wire, wrong } from './fields.ts'
import { jsonSchemaOf } from './schema.ts'

/** One of Google's tools may be several: a list of functions, and hosted ones beside it. */
export function decodeTools(value: JsonValue | undefined): Tool[] | undefined {
  if (!isGiven(value)) return undefined
  const tools: Tool[] = []
  readArray(value, 'tools').forEach((item, i) => {
    for (const [kind, member] of Object.entries(readMessage(item, `tools[${i}]`))) {
      if (!isGiven(member)) continue
      if (kind !== 'functionDeclarations') {
        tools.push({ type: 'hosted', wire, kind, value: { [kind]: member } })
        continue
      }
      const path = `tools[${i}].functionDeclarations`
      readArray(member, path).forEach((declaration, j) =>
        tools.push(decodeFunction(readMessage(declaration, `${path}[${j}]`), `${path}[${j}]`)),
      )
    }
  })
  return tools.length === 0 ? undefined : tools
}

const functionKeys = new Set(['name', 'description', 'parameters', 'parametersJsonSchema'])

function decodeFunction(declaration: JsonObject, path: string): FunctionTool {
  const { parameters, parametersJsonSchema: schema, description } = declaration
  if (isGiven(parameters) && isGiven(schema)) wrong(path, 'it has parameters and parametersJsonSchema')
  const input = isGiven(schema)
    ? readObject(schema, `${path}.parametersJsonSchema`)
    : isGiven(parameters)
      ? jsonSchemaOf(parameters, `${path}.parameters`)
      : undefined
  return {
    type: 'function',
    name: readName(declaration['name'], `${path}.name`),
    ...(isGiven(description) ? { description: readText(description, `${path}.description`) } : {}),
    ...(input === undefined ? {} : { input }),
    ...asExt(restOf(declaration, functionKeys)),
  }
}

const callingKeys = new Set(['mode', 'allowedFunctionNames'])
/** In the order of the protobuf enum, whose numbers may stand for the names. */
const modes = ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'] as const

/** `rest` is what has no word in the IR: VALIDATED, a choice among several functions, settings of hosted tools. */
export function decodeToolConfig(value: JsonValue | undefined): { readonly toolChoice?: ToolChoice; readonly rest?: JsonObject } {
  if (!isGiven(value)) return {}
  const config = readMessage(value, 'toolConfig')
  const path = 'toolConfig.functionCallingConfig'
  const others = restOf(config, new Set(['functionCallingConfig'])) ?? {}
  if (!isGiven(config['functionCallingConfig'])) return rested(others)
  const calling = readMessage(config['functionCallingConfig'], path)
  const mode = modeOf(calling['mode'], `${path}.mode`)
  const names = isGiven(calling['allowedFunctionNames'])
    ? readArray(calling['allowedFunctionNames'], `${path}.allowedFunctionNames`).map((name, i) =>
        readName(name, `${path}.allowedFunctionNames[${i}]`),
      )
    : []
  const kept: JsonObject = { ...restOf(calling, callingKeys) }
  const one = mode === 'ANY' && names.length === 1 ? names[0] : undefined
  if (mode === 'VALIDATED') kept['mode'] = mode
  if (names.length > 0 && one === undefined) kept['allowedFunctionNames'] = names
  const rest = Object.keys(kept).length === 0 ? others : { ...others, functionCallingConfig: kept }
  return { ...choiceOf(mode, one), ...rested(rest) }
}

function modeOf(value: JsonValue | undefined, path: string): (typeof modes)[number] | undefined {
  if (!isGiven(value)) return undefined
  const mode = typeof value === 'number' ? modes[value] : modes.find((name) => name === asText(value)?.toUpperCase())
  return mode ?? wrong(path, 'it must be AUTO, ANY, NONE or VALIDATED')
}

function choiceOf(mode: (typeof modes)[number] | undefined, only: string | undefined): { toolChoice?: ToolChoice } {
  switch (mode) {
    case undefined:
    case 'MODE_UNSPECIFIED':
      return {}
    case 'AUTO':
    case 'VALIDATED':
      return { toolChoice: { mode: 'auto' } }
    case 'NONE':
      return { toolChoice: { mode: 'none' } }
    case 'ANY':
      return { toolChoice: only === undefined ? { mode: 'required' } : { mode: 'tool', name: only } }
    default:
      return mode satisfies never
  }
}

function rested(rest: JsonObject): { rest?: JsonObject } {
  return Object.keys(rest).length === 0 ? {} : { rest }
}
