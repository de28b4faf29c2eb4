// For the tests of commands, itself without any: the command line in this process with a fake terminal, a fake person and a scripted admin API.
import assert from 'node:assert/strict'
import { createAdminClient, type AdminClient } from './admin-client.ts'
import { runProgram, type ProgramContext } from './program.ts'
import type { Prompts } from './prompts.ts'

/** Every use of it fails the test. */
export const noClient: AdminClient = {
  where: 'nowhere',
  get: async (path) => assert.fail(`nothing should be read: ${path}`),
  find: async (path) => assert.fail(`nothing should be read: ${path}`),
  send: async (method, path) => assert.fail(`nothing should be sent: ${method} ${path}`),
  open: async (path) => assert.fail(`nothing should be opened: ${path}`),
  listRequests: async () => assert.fail('no request should be listed'),
  getRequest: async () => assert.fail('no request should be read'),
  getPayload: async () => assert.fail('no body should be read'),
  close: async () => {},
}

export type Said = { readonly method: string; readonly path: string; readonly body: unknown; readonly headers: Headers }

/** `GET providers/openai` to what is answered: a body with status 200, or a status and a body. */
export type ScriptedApi = Readonly<Record<string, object | ((said: Said) => object) | readonly [status: number, body?: object]>>

/** An admin API that answers what the test wrote, and remembers what it was asked. Anything else: 404 as the API has it. */
export function scriptedClient(answers: ScriptedApi): AdminClient & { readonly said: Said[] } {
  const said: Said[] = []
  const client = createAdminClient({
    where: 'the scripted instance',
    async send(path, init) {
      const method = init.method ?? 'GET'
      const one: Said = {
        method,
        path: path.replace(/^\/api\/v1\//, ''),
        body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
        headers: new Headers(init.headers),
      }
      said.push(one)
      const found = answers[`${method} ${one.path}`] ?? answers[`${method} ${one.path.split('?')[0]}`]
      const answer = typeof found === 'function' ? (found as (said: Said) => object)(one) : found
      const missing = { error: { code: 'not_found', message: `There is no ${one.path}.` } }
      const [status, body] = answer === undefined ? [404, missing] : Array.isArray(answer) ? (answer as [number, object?]) : [200, answer]
      return new Response(body === undefined ? null : JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
    },
    async close() {},
  })
  return { ...client, said }
}

/** A person who gives these answers in turn; a question too many fails the test. The questions are kept. */
export function person(...answers: unknown[]): Prompts & { readonly asked: string[] } {
  const asked: string[] = []
  const answer = async <T>(question: string): Promise<T> => {
    asked.push(question)
    assert.notEqual(answers.length, 0, `a question too many: ${question}`)
    return answers.shift() as T
  }
  return {
    asked,
    text: answer,
    secret: answer,
    confirm: answer,
    async choose<T>(question: string, choices: readonly { readonly value: T; readonly label: string }[]) {
      const wanted = await answer<string>(question)
      const choice = choices.find(({ label, value }) => label === wanted || value === wanted)
      assert.notEqual(choice, undefined, `${question}: there is no ${wanted} among ${choices.map(({ label }) => label).join(', ')}`)
      return choice!.value
    },
  }
}

export type CliRun = { readonly exitCode: number; readonly out: string; readonly remarks: string }

/** Runs a command line to its end. Without prompts nobody is there to answer. */
export async function runCli(
  args: readonly string[],
  { isTty = false, ...more }: Partial<ProgramContext> & { readonly isTty?: boolean } = {},
): Promise<CliRun> {
  const out: string[] = []
  const remarks: string[] = []
  const exitCode = await runProgram(
    {
      terminal: {
        line: (text) => out.push(`${text}\n`),
        bytes: (bytes) => out.push(Buffer.from(bytes).toString()),
        remark: (text) => remarks.push(text),
        paint: (_format, text) => text,
        isTty,
      },
      prompts: undefined,
      readStdin: async () => '',
      env: {},
      version: '1.2.3',
      command: 'turnpike',
      nowMs: () => Date.now(),
      connect: async () => noClient,
      start: async () => assert.fail('nothing should start'),
      ...more,
    },
    args,
  )
  return { exitCode, out: out.join(''), remarks: remarks.join('\n') }
}
