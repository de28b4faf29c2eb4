// `npm run docs`: writes docs/catalog.md (vendor-reference.ts) and docs/errors.md, the public reference of errors, from the table of failures and the wires that encode them.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { asText, Failure, failureTable, isObject, type FailureKind } from '#kernel'
import { codecOf } from '#wires'
import { vendorFile, vendorReference } from './vendor-reference.ts'

export const referenceFile = path.join(import.meta.dirname, '..', 'docs', 'errors.md')

/** What a client never sees, since it has left. */
const onlyRecorded: ReadonlySet<FailureKind> = new Set(['client_closed'])
/** Of a provider's failures, those that are told under their own name. */
const told: ReadonlySet<FailureKind> = new Set(['timeout', 'all_targets_failed', 'interrupted'])
/** In the table for what is to come: nothing in this version answers so. */
export const notYet: ReadonlySet<FailureKind> = new Set([])

const kinds = Object.keys(failureTable) as FailureKind[]
const ofAttempts = kinds.filter((kind) => kind === 'request_refused' || (isOfProvider(kind) && !told.has(kind)))
const finalOnes = ofAttempts.filter((kind) => !failureTable[kind].retryable).map((kind) => `\`${kind}\``)
const ofAnswers = kinds.filter((kind) => !ofAttempts.includes(kind) && !onlyRecorded.has(kind) && !notYet.has(kind))

function isOfProvider(kind: FailureKind): boolean {
  const { fault } = failureTable[kind]
  return fault === 'provider' || fault === 'credential'
}

/** `type` inside `error`, as a wire writes it. */
function typeIn(wire: 'openai-chat' | 'anthropic-messages', kind: FailureKind): string {
  const error = codecOf(wire).ingress.encodeError(new Failure(kind, ''), '')['error']
  return isObject(error) ? (asText(error['type']) ?? '') : ''
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function answerRow(kind: FailureKind): string[] {
  const { status, means } = failureTable[kind]
  const shown = kind === 'all_targets_failed' ? `${status} or 429` : kind === 'interrupted' ? 'in-band' : String(status)
  return [`\`${kind}\``, shown, `\`${typeIn('openai-chat', kind)}\``, `\`${typeIn('anthropic-messages', kind)}\``, means]
}

function attemptRow(kind: FailureKind): string[] {
  const { fault, means } = failureTable[kind]
  return [`\`${kind}\``, fault, means]
}

/** The whole text of docs/errors.md. */
export function errorReference(): string {
  return `# Errors

This page is generated from \`src/kernel/failure.ts\` by \`npm run docs\`. Edit the table, not the page.

An error has the body of the client's own wire. Its \`message\` says what happened, whose fault it is and what to do next; \`code\` is one of
the codes below. Its header \`x-turnpike-request-id\` finds the record: \`turnpike requests show <id>\`.

\`\`\`
OpenAI      {"error": {"message", "type", "param", "code", "attempts"?}}
Anthropic   {"type": "error", "error": {"type", "message", "code", "param"?, "attempts"?}, "request_id"}
\`\`\`

## What clients get

${table(['code', 'status', 'OpenAI type', 'Anthropic type', 'meaning'], ofAnswers.map(answerRow))}

- 429 and 503 come with \`Retry-After\` in seconds. \`all_targets_failed\` is 503, or 429 when the wait is longer than a minute.
- When every target blames the request, the client gets what the first one said: its status (400, 413, 422, ...) and its words. Where client
  and provider speak one wire these are the provider's bytes; else \`code\` is the provider's own (OpenAI) or \`request_refused\` (Anthropic).
- A provider's 401, 402 and 403 concern the operator's account and never reach a client as such. They are classes of attempts.
- After part of an answer has been sent, the status cannot change. The error is then the last event of the stream, without a finish reason
  or \`[DONE]\`, and the connection closes without the mark of a complete body.
- Bytes that are not HTTP are answered in OpenAI's form, without an id and a record.

## Classes of attempts

Beside \`all_targets_failed\` and \`timeout\` stands \`error.attempts\`, a list of \`{"target", "class"}\`: which provider, and how it failed. The
record has the same classes, with the provider's own words for the operator.

${table(['class', 'fault of', 'meaning'], ofAttempts.map(attemptRow))}

After ${finalOnes.length === 0 ? 'each of them' : `each of them but ${finalOnes.join(' and ')}`} the next target is tried, if there is one, time is left and nothing of an answer has been sent.
\`context_length_exceeded\`, \`unsupported_feature\` and, at a stop, \`draining\` can be classes of attempts too. Another credential of the same provider is tried only
after \`rate_limited\`, \`account_exhausted\` and \`credential_rejected\`.

## Only in records

${table(
  ['code', 'status', 'meaning'],
  [...onlyRecorded].map((kind) => [`\`${kind}\``, String(failureTable[kind].status), failureTable[kind].means]),
)}

## Admin API

\`/api/v1\` answers \`{"error": {"code", "message", "field"?}}\` with \`invalid_request\` (400), \`unauthorized\` (401), \`host_not_allowed\` (403), \`not_found\`
(404), \`internal_error\` (500) or \`draining\` (503).
`
}

if (import.meta.main) {
  writeFileSync(referenceFile, errorReference())
  writeFileSync(vendorFile, vendorReference())
  console.log(`Wrote ${path.relative(process.cwd(), referenceFile)}.`)
}
