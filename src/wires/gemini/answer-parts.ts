// Parts of an answer as a Google client reads them.
import { isObject, type JsonObject } from '#kernel'
import type { AssistantPart, Ext, MediaPart, Seal } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { inputOfArgs } from '#wires/tool-ids'
import { isGiven, ownExt, readMessage, sealDomain, wire } from './fields.ts'
import { typeOfAddress } from './media.ts'

/** undefined where this wire has none, or nothing to say. */
export function encodeAnswerPart(part: AssistantPart, thoughts: boolean): JsonObject | undefined {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : { text: part.text, ...ownExt(part.ext) }
    case 'reasoning': {
      const signature = signatureOf(part.seal)
      if (part.text === '' || !thoughts) return signature === undefined ? undefined : { text: '', thoughtSignature: signature }
      return { text: part.text, thought: true, ...(signature === undefined ? {} : { thoughtSignature: signature }), ...ownExt(part.ext) }
    }
    case 'tool-call':
      return part.ranBy === 'client' ? encodeCall({ ...part, input: inputOfArgs(part.args).input }) : undefined
    case 'media':
      return encodeAnswerMedia(part)
    case 'opaque':
      return part.wire === wire ? part.value : undefined
    case 'tool-result':
      return undefined
    default:
      return part satisfies never
  }
}

type Call = { readonly id: string; readonly name: string; readonly input: JsonObject; readonly seal?: Seal | undefined; readonly ext?: Ext }

/** A call is always whole on this wire. */
export function encodeCall({ id, name, input, seal, ext }: Call): JsonObject {
  const signature = signatureOf(seal)
  return {
    functionCall: { id, name, args: input },
    ...(signature === undefined ? {} : { thoughtSignature: signature }),
    ...ownExt(ext),
  }
}

/** Signatures of other vendors stay out: the client sends back what it gets, and Google refuses what it didn't sign. */
export function signatureOf(seal: Seal | undefined): string | undefined {
  return seal !== undefined && seal.domain === sealDomain && seal.kind === 'signature' ? seal.data : undefined
}

function encodeAnswerMedia({ kind, source, ext }: MediaPart): JsonObject | undefined {
  switch (source.type) {
    case 'base64':
      return { inlineData: { mimeType: source.mediaType, data: source.data }, ...ownExt(ext) }
    case 'url':
      return { fileData: { mimeType: typeOfAddress(source.url, kind), fileUri: source.url }, ...ownExt(ext) }
    case 'file':
      return undefined
    default:
      return source satisfies never
  }
}

/** Thoughts are shown to who asks for them: clients print the first part as the answer where they don't expect any. */
export function showsThoughts(context: AnswerContext): boolean {
  if (context.request === undefined) return true
  try {
    const config = readMessage(readMessage(context.request(), '')['generationConfig'] ?? {}, 'generationConfig')
    const thinking = isGiven(config['thinkingConfig']) && isObject(config['thinkingConfig']) ? config['thinkingConfig'] : {}
    return readMessage(thinking, 'thinkingConfig')['includeThoughts'] === true
  } catch {
    return false
  }
}
