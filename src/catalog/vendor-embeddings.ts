// Where vendors make vectors, when it is not simply in OpenAI's form beside their chat endpoint: rows of data, like those of vendors.ts.
import type { Dialect, EmbeddingForm } from '#ir'
import { embeddings } from '#wires'

export type VendorEmbeddings = {
  readonly form: EmbeddingForm
  /** Below the base URL; of OpenAI's form, absent where it is beside the chat endpoint. */
  readonly path?: string
  /** What only its embeddings differ in. */
  readonly dialect?: Pick<Dialect, 'strip' | 'dimensionsField'>
}

/** Below a base URL that ends where the vendor's own API begins. */
export const embeddingPaths = {
  openai: '/embeddings',
  gemini: '/models/{model}:batchEmbedContents',
  vertex: '/models/{model}:predict',
  cohere: '/v2/embed',
  bedrock: '/model/{model}/invoke',
  voyage: '/embeddings',
  ollama: '/api/embed',
} as const satisfies Record<EmbeddingForm, string>

const { foreignFields } = embeddings
/** OpenAI and Azure refuse an argument that they don't know. */
const strictOpenai: VendorEmbeddings = { form: 'openai', dialect: { strip: foreignFields } }

/** By vendor. */
export const vendorEmbeddings: ReadonlyMap<string, VendorEmbeddings> = new Map<string, VendorEmbeddings>([
  ['openai', strictOpenai],
  ['azure', strictOpenai],
  ['azure-deployments', strictOpenai],
  // It calls the length of vectors by another name, and refuses every field it doesn't know.
  [
    'mistral',
    {
      form: 'openai',
      dialect: { dimensionsField: 'output_dimension', strip: ['user', ...foreignFields.filter((field) => field !== 'output_dtype')] },
    },
  ],
  // Beside its chat endpoint it neither counts tokens nor numbers the vectors.
  ['gemini', { form: 'gemini', path: `/v1beta${embeddingPaths.gemini}` }],
  ['vertex', { form: 'vertex', path: `/publishers/google${embeddingPaths.vertex}` }],
  ['bedrock', { form: 'bedrock', path: embeddingPaths.bedrock }],
  ['cohere', { form: 'cohere', path: embeddingPaths.cohere }],
  ['voyage', { form: 'voyage', path: embeddingPaths.voyage }],
  ['ollama', { form: 'ollama', path: embeddingPaths.ollama }],
])
