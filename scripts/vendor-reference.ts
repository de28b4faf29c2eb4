// Part of `npm run docs`: writes docs/catalog.md, the reference of vendors, from the rows of the catalog.
import path from 'node:path'
import { genericVendor, readModelCatalog, vendors, type Vendor } from '#catalog'

export const vendorFile = path.join(import.meta.dirname, '..', 'docs', 'catalog.md')

/** The whole page. */
export function vendorReference(): string {
  const catalog = readModelCatalog()
  const rows = [...vendors.values()].filter(({ id }) => id !== genericVendor)
  const models = rows.reduce((sum, { id }) => sum + catalog.modelsOf(id).size, 0)
  return `# The catalog

Written by \`npm run docs\` from the rows of vendors. ${rows.length} vendors and ${models.toLocaleString('en-US')} models as of ${catalog.asOf}; facts
from models.dev and LiteLLM's price map (both MIT), made into rows by \`node scripts/catalog.ts <folder>\`.

A provider is registered at the start for each variable in bold that is set (Azure's and Bedrock's together with the one that says where:
[providers.md](providers.md)). The other variables serve a provider that is declared without credentials: they belong to several vendors at once,
or to a whole account whose token is often there for other work. A vendor whose address has parts in angle brackets needs a \`base_url\`. A
server of one's own needs no key, and may be at a private address.

| vendor | name | variables | base URL | wires | models |
|---|---|---|---|---|---|
${rows.map((vendor) => row(vendor, catalog.modelsOf(vendor.id).size)).join('\n')}

Any other server of one of the wires is declared with its \`base_url\`, and \`wires\` where it is not OpenAI's chat completions. Short-lived
tokens that a vendor gives for another token (GitHub Copilot, GitLab Duo, SAP AI Core) are not fetched.
`
}

function row({ id, name, keyVariables, registeredBy, baseUrl, baseUrlForm, wires, docs, local }: Vendor, models: number): string {
  const variables = keyVariables.map((variable) => (registeredBy.includes(variable) ? `**\`${variable}\`**` : `\`${variable}\``))
  const cells = [
    `\`${id}\``,
    docs === undefined ? name : `[${name}](${docs})`,
    variables.length > 0 ? variables.join(', ') : local === true ? 'none needed' : '',
    `\`${baseUrl ?? baseUrlForm}\``,
    [...wires.keys()].join(', '),
    models === 0 ? '' : String(models),
  ]
  return `| ${cells.join(' | ')} |`
}
