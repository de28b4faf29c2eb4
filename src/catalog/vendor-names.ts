// Names that configs written for other gateways have for vendors.

const otherNames: ReadonlyMap<string, string> = new Map([
  ['aws-bedrock', 'bedrock'],
  ['azure-ai', 'azure'],
  ['azure-openai', 'azure'],
  ['dashscope', 'alibaba'],
  ['fireworks-ai', 'fireworks'],
  ['github', 'github-models'],
  ['google', 'gemini'],
  ['mistral-ai', 'mistral'],
  ['moonshot-ai', 'moonshot'],
  ['perplexity-ai', 'perplexity'],
  ['together-ai', 'together'],
  ['vertex-ai', 'vertex'],
  ['workers-ai', 'cloudflare-workers-ai'],
  ['x-ai', 'xai'],
  ['zhipu', 'zhipuai'],
])

/** The vendor's id in this catalog; a name that is none of these is already one, or nothing. */
export function vendorNamed(name: string): string {
  return otherNames.get(name) ?? name
}
