// The route of every DELETE: it takes a path and nothing else, and answers with nothing.
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Actor, Control } from '#control'
import { nothing, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

export type Removal<Params extends z.ZodType> = {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly params: Params
}

export function addRemoval<Params extends z.ZodType>(
  app: Parameters<FastifyPluginCallbackZod>[0],
  control: Control,
  path: string,
  schema: Removal<Params>,
  act: (params: z.output<Params>, actor: Actor) => Promise<unknown>,
): void {
  const write = createWrite(control, 'none')
  app.delete(
    path,
    { preValidation: noParameters, schema: { ...schema, headers: writeHeaders, response: { 204: nothing, ...writeFailures } } },
    (request, reply) =>
      write(request, reply, async (_body, actor) => {
        await act(request.params as z.output<Params>, actor)
        return { status: 204, body: null }
      }),
  )
}
