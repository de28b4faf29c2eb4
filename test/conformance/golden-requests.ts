// One request of each feature, as a client of each wire writes it by its API's documentation. What a wire cannot say is not there.
import { readFileSync } from 'node:fs'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { askedOf, type Asked } from '#test/pairs.ts'
import { clientWires } from '#wires'

export type Golden = { readonly feature: string; readonly bodies: Readonly<Partial<Record<ClientWire, JsonObject>>> }
/** A request, and where it is from. */
export type Source = { readonly asked: Asked; readonly what: string }

export const goldens = JSON.parse(readFileSync(new URL('golden-requests.json', import.meta.url), 'utf8')) as Golden[]

/** Each in one piece and as a stream. */
export function* goldenRequests(): Generator<Source> {
  for (const { feature, bodies } of goldens) {
    for (const [wire, body] of Object.entries(bodies) as [ClientWire, JsonObject][]) {
      if (!clientWires.has(wire)) continue
      for (const stream of [false, true]) {
        const said = stream && wire !== 'gemini' ? { ...body, stream } : body
        yield { asked: askedOf(wire, said, 'm', stream), what: `golden: ${feature}` }
      }
    }
  }
}
