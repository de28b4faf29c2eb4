// Tools and the choice between them -> `toolConfig`.
import type { JsonObject } from '#kernel'
import type { Notes, Request, Tool } from '#ir'
import { objectSchema } from '#wires/closed-schema'
import type { Blocks } from './encode-blocks.ts'
import { ownExt, wire } from './fields.ts'
import type { Traits } from './traits.ts'

/** undefined: no tools. Converse cannot forbid calls, so that the tools themselves stay behind. */
export function encodeToolConfig(request: Request, traits: Traits, blocks: Blocks, notes: Notes): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request
  if (toolChoice?.mode === 'none') {
    if (request.tools !== undefined && request.tools.length > 0)
      notes.approximated('toolChoice', 'Converse cannot forbid calls; the tools are left out')
    return undefined
  }
  const tools = encodeTools(request.tools, traits, blocks, notes)
  if (tools.length === 0) {
    if (toolChoice !== undefined) notes.dropped('toolChoice', 'there are no tools to choose from')
    return undefined
  }
  if (parallelToolCalls === false) notes.dropped('parallelToolCalls', 'Converse cannot forbid parallel calls')
  if (toolChoice === undefined) return { tools }
  if (toolChoice.mode === 'tool') return { tools, toolChoice: { tool: { name: blocks.toolName(toolChoice.name, 'toolChoice.name') } } }
  return { tools, toolChoice: { [toolChoice.mode === 'required' ? 'any' : 'auto']: {} } }
}

function encodeTools(tools: readonly Tool[] | undefined, traits: Traits, blocks: Blocks, notes: Notes): JsonObject[] {
  const encoded: JsonObject[] = []
  for (const [i, tool] of (tools ?? []).entries()) {
    const path = `tools[${i}]`
    if (tool.type === 'hosted' && tool.wire === wire) encoded.push(tool.value)
    else if (tool.type === 'hosted') notes.dropped(path, `"${tool.kind}" is a tool of ${tool.wire}`)
    else if (tool.type === 'custom') notes.dropped(path, 'Converse has no tools that take free text')
    else {
      notes.foreignExt(tool.ext, path)
      const strict = tool.strict === true && traits.schemas
      if (tool.strict === true && !strict) notes.dropped(`${path}.strict`, 'this model cannot enforce the schema')
      encoded.push({
        toolSpec: {
          name: blocks.toolName(tool.name, `${path}.name`),
          ...(tool.description === undefined || tool.description.trim() === '' ? {} : { description: tool.description }),
          inputSchema: { json: objectSchema(tool.input) },
          ...(strict ? { strict } : {}),
          ...ownExt(tool.ext),
        },
      })
      const point = tool.cache === undefined ? undefined : blocks.cachePoint(tool.cache, `${path}.cache`, true)
      if (point !== undefined) encoded.push(point)
    }
  }
  return encoded
}
