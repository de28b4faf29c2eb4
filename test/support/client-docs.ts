// docs/clients.md as the tests of clients read it: they run what stands there, so what stands there works.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const paper = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'clients.md'), 'utf8')

/** What stands for the reader's own values. */
const written = { url: 'http://127.0.0.1:8640', key: 'tp-your-key', model: /\b(?:gpt-5|claude-sonnet-4-5|gemini-2\.5-pro)\b/g }

export type Own = { readonly url: string; readonly key: string; readonly model: string }

export type ClientPage = {
  /** The section's code block of that language. */
  block(language: string): string
  /** The variables that its shell block exports. */
  env(): Record<string, string>
  /** Cells of its table's rows, without backquotes. */
  rows(): string[][]
  /** The value that stands for an option after these words. */
  option(after: string, name: string): string
}

/** The section of a client, with a test's own address, key and model in place of those written there. */
export function pageOf(client: string, own: Own): ClientPage {
  const section = paper.split(/^## /m).find((one) => one.startsWith(`${client}\n`))
  if (section === undefined) throw new Error(`docs/clients.md has no section "${client}".`)
  const text = section.replaceAll(written.url, own.url).replaceAll(written.key, own.key).replaceAll(written.model, own.model)
  const block = (language: string): string => {
    const found = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`The section "${client}" of docs/clients.md has no ${language} block.`)
    return found
  }
  return {
    block,
    env: () => Object.fromEntries([...block('sh').matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!])),
    rows() {
      const [, ...lines] = text.split(/^\|(?:-+\|)+$/m)
      const cells = (line: string) => line.split('|').slice(1, -1).map((cell) => cell.trim().replaceAll('`', '')) // prettier-ignore
      return lines.flatMap((below) => [...below.matchAll(/^\|.*\|$/gm)].map(([line]) => cells(line)))
    },
    option(after, name) {
      const at = block('js').split(after)[1]
      const value = new RegExp(`\\b${name}: '([^']*)'`).exec(at ?? '')?.[1]
      if (value === undefined) throw new Error(`The section "${client}" of docs/clients.md has no ${name} after ${after}.`)
      return value
    },
  }
}
