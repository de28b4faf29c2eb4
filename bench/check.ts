// Before anything is measured: one request through each contender brings the right answer. A fast 404 is not a result.
import type { Contender } from './contenders/contender.ts'
import { smallBody } from './measure.ts'
import { mockAnswer } from './nginx.ts'
import type { Scenario } from './scenarios.ts'

/** Requests that the provider got for it. Throws with what came instead of the answer. */
export async function checkAnswer(contender: Contender, scenario: Scenario): Promise<number> {
  // The providers of streams answer nothing else; each of their streams is checked by the load itself.
  if (scenario.load.kind !== 'saturate' && scenario.load.kind !== 'rate') return 0
  const response = await fetch(`http://127.0.0.1:${contender.port}/v1/chat/completions`, {
    method: 'POST',
    body: smallBody,
    headers: { 'content-type': 'application/json', connection: 'close', ...contender.headers },
  })
  const text = await response.text()
  const wanted = contentOf(mockAnswer)
  if (response.status !== 200 || contentOf(text) !== wanted)
    throw new Error(`${contender.name} answered ${response.status} ${text.slice(0, 300)} instead of the mock's answer`)
  return 1
}

function contentOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { choices?: { message?: { content?: unknown } }[] }).choices?.[0]?.message?.content
  } catch {
    return undefined
  }
}
