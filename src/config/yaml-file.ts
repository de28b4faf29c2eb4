// A YAML file (hence JSON too) as a value, with `${NAME}` filled in from the environment, and the line of any path in it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isDocument, isNode, LineCounter, parseAllDocuments, visit, type Document, type Node } from 'yaml'
import { ConfigError, fileTrouble } from './config-error.ts'
import type { Environment } from './environment.ts'

export type YamlFile = {
  /** The file's base name, for messages. */
  readonly name: string
  readonly value: unknown
  /** The same before variables were filled in: what messages may show. */
  readonly written: unknown
  /** `turnpike.yaml, line 7` for the deepest part of the path that is in the file. */
  locate(path: readonly PropertyKey[]): string
}

const maxBytes = 4_000_000

/**
 * `part`: the one member in which variables are filled in; without it they are everywhere. Throws `ConfigError` when the file cannot be
 * read, is not one YAML document, or names a variable there that is not set.
 */
export function readYamlFile(file: string, env: Environment, part?: string): YamlFile {
  const name = path.basename(file)
  let text: string
  try {
    const bytes = readFileSync(file)
    if (bytes.length > maxBytes) throw new ConfigError(file, `${file} has ${bytes.length} bytes; a config file has at most ${maxBytes}.`)
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : fileTrouble(error)
    throw new ConfigError(file, `The config file ${file} cannot be read: ${why}.`, error)
  }
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  if (!Array.isArray(documents)) return { name, value: null, written: null, locate: () => name }
  const [document, second] = documents
  if (document === undefined) return { name, value: null, written: null, locate: () => name }
  const trouble = document.errors[0]
  if (trouble !== undefined) {
    const { line, col } = lines.linePos(trouble.pos[0])
    // The parser's own message may quote the line, which may hold a secret; its code says what it is.
    const what =
      trouble.code === 'DUPLICATE_KEY'
        ? `the key ${JSON.stringify(keyAt(text, trouble.pos[0]))} is there twice`
        : `it is not valid YAML (${trouble.code})`
    throw new ConfigError(file, `${name}, line ${line}, column ${col}: ${what}.`)
  }
  if (second !== undefined) throw new ConfigError(file, `${name} holds several YAML documents; keep one and remove the --- line.`)
  let written: unknown
  let value: unknown
  try {
    written = document.toJS()
    const filled = part === undefined ? document : document.get(part, true)
    if (isNode(filled) || isDocument(filled)) fillIn(filled, env, name, (offset) => lines.linePos(offset).line)
    value = document.toJS()
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(
      file,
      `${name}: its aliases cannot be resolved (${error instanceof Error ? error.message : String(error)}).`,
      error,
    )
  }
  return {
    name,
    value,
    written,
    locate: (where) => {
      for (let depth = where.length; depth > 0; depth--) {
        const node = document.getIn(where.slice(0, depth), true)
        if (isNode(node) && node.range) return `${name}, line ${lines.linePos(node.range[0]).line}`
      }
      return name
    },
  }
}

/** Replaces `${NAME}` in every string; `$${` is a literal `${`. */
function fillIn(part: Node | Document, env: Environment, name: string, lineOf: (offset: number) => number): void {
  visit(part, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      node.value = node.value.replaceAll(/\$?\$\{([^}]*)\}/g, (whole, variable: string) => {
        if (whole.startsWith('$$')) return whole.slice(1)
        const line = node.range ? `, line ${lineOf(node.range[0])}` : ''
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
          throw new ConfigError(
            name,
            `${name}${line}: \${...} must hold the name of an environment variable, such as \${OPENAI_API_KEY}; write $\${ for a literal \${.`,
          )
        }
        const filled = env[variable]
        if (filled === undefined || filled === '') {
          throw new ConfigError(
            name,
            `${name}${line}: the environment variable ${variable} is not set; set it, or remove \${${variable}} from the file.`,
          )
        }
        return filled
      })
    },
  })
}

/** The word that begins at an offset, without quotes. */
function keyAt(text: string, offset: number): string {
  return /^["']?([^"':\n{}[\],]{0,80})/.exec(text.slice(offset, offset + 100))?.[1]?.trim() ?? ''
}
