// `turnpike providers vendors`: who is known by name, with the variable that holds its key.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { tableLines } from './table.ts'

const examples = `
Examples:
  turnpike providers vendors
  turnpike providers vendors open              names that contain a word
  turnpike providers vendors --json | jq -r '.data[].id'

Any other server of OpenAI's or Anthropic's API: turnpike providers add --slug my-server --base-url http://host/v1
`

export function listVendorsCommand({ terminal }: CliContext): Command {
  return new Command('vendors')
    .description('vendors that are known by name')
    .argument('[word]', 'only names that contain it')
    .option('--json', 'as JSON')
    .addHelpText('after', examples)
    .action(async (word: string | undefined, { json }: { readonly json?: true }) => {
      const { vendors } = await import('#catalog')
      const wanted = word?.toLowerCase() ?? ''
      const found = [...vendors.values()].filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(wanted))
      if (json === true) {
        const data = found.map(({ id, name, baseUrl, baseUrlForm, keyVariables, accounts }) => ({
          id,
          name,
          base_url: baseUrl ?? null,
          base_url_form: baseUrlForm ?? null,
          key_variables: keyVariables,
          accounts: accounts ?? null,
        }))
        return terminal.line(JSON.stringify({ data, next_cursor: null }))
      }
      if (found.length === 0)
        return terminal.remark(`No vendor's name contains '${wanted}'. Any compatible server can be added with --base-url.`)
      const lines = tableLines(
        [
          { title: 'VENDOR', of: ({ id }) => id },
          { title: 'NAME', of: ({ name }) => name },
          { title: 'KEY VARIABLE', of: ({ keyVariables }) => keyVariables[0] ?? '-' },
          { title: 'BASE URL', of: ({ baseUrl, baseUrlForm }) => baseUrl ?? baseUrlForm ?? '-' },
        ],
        found,
      )
      for (const line of lines) terminal.line(line)
    })
}
