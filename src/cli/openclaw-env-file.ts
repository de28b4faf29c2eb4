// OpenClaw's `.env`: one variable read and written, everything else kept byte for byte.
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CliFailure, systemCode } from './failure.ts'

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(.*?)[ \t]*$/

/** Every variable, the last line of a name counts, as OpenClaw reads it. */
export function readVariables(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, raw = ''] = assignment.exec(line) ?? []
    if (name !== undefined) found.set(name, valueOf(raw))
  }
  return found
}

function valueOf(raw: string): string {
  const quoted = /^(["'`])(.*?)\1/.exec(raw)
  return quoted === null ? raw.replace(/\s+#.*$/, '') : quoted[2]!
}

/** The text with this variable set: its line replaced (further ones of its name go), else one added at the end. */
export function withVariable(text: string, name: string, value: string): string {
  const own = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[^\\r\\n]*`)
  let placed = false
  const kept: string[] = []
  for (const line of text.split(/(?<=\n)/)) {
    if (!own.test(line)) kept.push(line)
    else if (!placed) {
      // A function, so that a `$` in the value is itself.
      kept.push(line.replace(own, () => `${name}=${value}`))
      placed = true
    }
  }
  const rest = kept.join('')
  if (placed) return rest
  const newline = rest.includes('\r\n') ? '\r\n' : '\n'
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : newline}${name}=${value}${newline}`
}

/** undefined: there is no such file. Throws a sentence when it cannot be read. */
export function readEnvFile(file: string): { readonly text: string; readonly mode: number } | undefined {
  try {
    return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new CliFailure(
      `${file} cannot be read (${systemCode(error) ?? String(error)}); give it to the user that runs OpenClaw, with mode 0600.`,
    )
  }
}

/** Whole or not at all, for this user alone; where a link points, not over it. */
export function writeEnvFile(file: string, text: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    const target = existing(file)
    const partial = `${target}.${randomBytes(4).toString('hex')}.tmp`
    try {
      writeFileSync(partial, text, { mode: 0o600, flag: 'wx' })
      chmodSync(partial, 0o600)
      renameSync(partial, target)
    } finally {
      rmSync(partial, { force: true })
    }
  } catch (error) {
    throw new CliFailure(`${file} cannot be written (${systemCode(error) ?? String(error)}); run this as the user that runs OpenClaw.`)
  }
}

function existing(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
