// "The prompt is too long", in the words of many providers; and in OpenAI's sentence, which clients recognise.

const codes = new Set(['context_length_exceeded', 'string_above_max_length', 'model_max_prompt_tokens_exceeded'])
const words =
  /maximum context length|context[ _]length[ _]exceeded|context length of|exceeds? the (?:model's )?(?:maximum )?context|context window|prompt is too long|maximum prompt length|too many tokens(?!: max tokens)|input is too long|input token count|max(?:imum)? (?:input )?tokens? allowed|reduce the length of the messages|exceeds the limit of \d+ tokens/i

export function isContextLength(message: string, code: string): boolean {
  return codes.has(code.toLowerCase()) || words.test(message)
}

/** How other providers say it: the count asked for and the limit, in this order or the other. */
const counted: readonly { readonly pattern: RegExp; readonly asked: number; readonly limit: number }[] = [
  // Anthropic: "prompt is too long: 210000 tokens > 200000 maximum"
  { pattern: /prompt is too long: (\d+) tokens > (\d+)/i, asked: 1, limit: 2 },
  // Gemini: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
  { pattern: /input token count \(?(\d+)\)? exceeds the maximum number of tokens allowed \(?(\d+)/i, asked: 1, limit: 2 },
  // xAI: "This model's maximum prompt length is 131072 but the request contains 200000 tokens."
  { pattern: /maximum prompt length is (\d+) but the request contains (\d+)/i, asked: 2, limit: 1 },
  // Mistral: "Prompt contains 40000 tokens ... too large for model with 32768 maximum context length"
  { pattern: /prompt contains (\d+) tokens.*?with (\d+) maximum context length/is, asked: 1, limit: 2 },
  // Cohere: "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."
  { pattern: /tokens in the prompt cannot exceed (\d+) - received (\d+)/i, asked: 2, limit: 1 },
]

/** OpenAI's own sentence, which makes OpenClaw and others compact the conversation; with the counts where they are known. */
export function contextSentence(message: string): string {
  if (message.startsWith("This model's maximum context length")) return message
  for (const { pattern, asked, limit } of counted) {
    const match = pattern.exec(message)
    if (match !== null) {
      return `This model's maximum context length is ${match[limit]} tokens. However, your messages resulted in ${match[asked]} tokens. Please reduce the length of the messages.`
    }
  }
  return "This model's maximum context length was exceeded. Please reduce the length of the messages."
}
