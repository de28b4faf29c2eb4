// Claude on Amazon Bedrock and on Vertex AI: the same messages, with the version in the body, the model in the path, and fewer fields.
// Bedrock: docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html; both:
// platform.claude.com/docs/en/build-with-claude, "Claude on Amazon Bedrock (legacy)", "Claude on Vertex AI"; read 2026-11.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, Note, Notes } from '#ir'
import { generationOf } from '#wires/claude-generation'
import type { ClientHeaders, RequestEdit, RequestEdits } from '#wires/codec'
import { requestEdits } from '#wires/request-edits'

type Platform = {
  readonly name: string
  /** Fields that are answered with "Extra inputs are not permitted". */
  readonly refused: readonly string[]
  /** Betas stand in the body, and an unknown one is an error. */
  readonly betasInBody: boolean
}

const platforms: Readonly<Record<NonNullable<Dialect['anthropicVersion']>, Platform>> = {
  'bedrock-2023-05-31': {
    name: 'Bedrock',
    refused: ['metadata', 'service_tier', 'container', 'inference_geo', 'mcp_servers'],
    betasInBody: true,
  },
  'vertex-2023-10-16': {
    name: 'Vertex AI',
    refused: ['service_tier', 'container', 'inference_geo', 'mcp_servers'],
    betasInBody: false,
  },
}

/** Small top-level fields that decide something here; the pass-through lane reads them where they lie. */
export const platformFields = ['anthropic_version', 'anthropic_beta', 'service_tier', 'container', 'inference_geo', 'mcp_servers']

/** Where the IR has the field, for the notes of a translation. */
const pathOfField = new Map([
  ['metadata', 'user'],
  ['service_tier', 'serviceTier'],
])

/** The edits of the pass-through lane; `headers` are the client's. */
export function platformEdits(fields: JsonObject, model: string, dialect: Dialect, headers: ClientHeaders): RequestEdits {
  const version = dialect.anthropicVersion
  if (version === undefined) return requestEdits(fields, model, dialect)
  const { name, refused, betasInBody } = platforms[version]
  const own: RequestEdit[] = fields['anthropic_version'] === version ? [] : [{ field: 'anthropic_version', value: version }]
  const notes: Note[] = []
  if ('stream' in fields) own.push({ field: 'stream', value: undefined })
  for (const field of refused) {
    if (!(field in fields)) continue
    own.push({ field, value: undefined })
    if (field === 'metadata' && isUserOnly(fields[field])) continue
    notes.push({ code: 'dropped', path: field, why: `${name} has no such field` })
  }
  if (betasInBody) {
    const asked = [...betasOf(fields['anthropic_beta']), ...betasOf(headers['anthropic-beta'])]
    const { taken, refused: unknown } = bedrockBetas(asked, model)
    if (taken.length > 0 || 'anthropic_beta' in fields) own.push({ field: 'anthropic_beta', value: taken.length > 0 ? taken : undefined })
    for (const beta of unknown) notes.push({ code: 'dropped', path: `anthropic-beta.${beta}`, why: `${name} has no such beta` })
  }
  const { edits, notes: stripped } = requestEdits(fields, undefined, dialect, own)
  return { edits, notes: [...notes, ...stripped] }
}

/**
 * Only whose request it is (`user_id`): said to Anthropic's watch over misuse, nothing to the model. Claude Code sends it with every
 * request, and could not be strict on Bedrock if this were a loss.
 */
function isUserOnly(metadata: JsonValue | undefined): boolean {
  return isObject(metadata) && Object.keys(metadata).every((key) => key === 'user_id')
}

/** The same for a translated body, which is changed. */
export function fitPlatform(body: JsonObject, model: string, dialect: Dialect, notes: Notes): void {
  const version = dialect.anthropicVersion
  if (version === undefined) return
  const { name, refused, betasInBody } = platforms[version]
  delete body['model']
  delete body['stream']
  body['anthropic_version'] = version
  for (const field of refused) {
    if (!(field in body)) continue
    delete body[field]
    notes.dropped(pathOfField.get(field) ?? `ext.anthropic-messages.${field}`, `${name} has no such field`)
  }
  if (!betasInBody || body['anthropic_beta'] === undefined) return
  const { taken, refused: unknown } = bedrockBetas(betasOf(body['anthropic_beta']), model)
  if (taken.length > 0) body['anthropic_beta'] = taken
  else delete body['anthropic_beta']
  for (const beta of unknown) notes.dropped(`ext.anthropic-messages.anthropic_beta.${beta}`, `${name} has no such beta`)
}

/** A header's list, or a body's. */
function betasOf(value: JsonValue | readonly string[] | undefined): string[] {
  const texts = typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter((beta) => typeof beta === 'string') : []
  return texts.flatMap((text) => text.split(',')).flatMap((beta) => (beta.trim() === '' ? [] : [beta.trim()]))
}

/** Betas that Bedrock knows; an unknown one is answered with "invalid beta flag". */
const known = new Set([
  'compact-2026-01-12',
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
])

/** Anthropic's own API has one name for what Bedrock has two. */
const renamed = new Map([['advanced-tool-use-2025-11-20', ['tool-search-tool-2025-10-19', 'tool-examples-2025-10-29']]])

/** Betas that ask for nothing: what they were for is there for everybody, or they name the client. */
const idle = new Set([
  'adaptive-thinking-2026-01-28',
  'claude-code-20250219',
  'extended-cache-ttl-2025-04-11',
  'max-tokens-3-5-sonnet-2024-07-15',
  'oauth-2025-04-20',
  'pdfs-2024-09-25',
  'prompt-caching-2024-07-31',
  'structured-outputs-2025-11-13',
  'structured-outputs-2025-12-15',
  'token-counting-2024-11-01',
])

/** Models from Claude 4.6 on do these without being asked, and on Bedrock some refuse to be. */
const idleSinceAdaptive = new Set(['effort-2025-11-24', 'interleaved-thinking-2025-05-14'])

function bedrockBetas(asked: readonly string[], model: string): { readonly taken: string[]; readonly refused: string[] } {
  const adaptive = generationOf(model).thinking === 'adaptive'
  const wanted = new Set(asked.flatMap((beta) => renamed.get(beta) ?? [beta]))
  const taken: string[] = []
  const refused: string[] = []
  for (const beta of wanted) {
    if (idle.has(beta) || (adaptive && idleSinceAdaptive.has(beta))) continue
    if (known.has(beta)) taken.push(beta)
    else refused.push(beta)
  }
  return { taken, refused }
}
