// The operational log: JSON lines, or readable ones on a terminal. Every line passes the redactor before it leaves.
import { createRequire } from 'node:module'
import process from 'node:process'
import type * as Pretty from 'pino-pretty'
import { pino, type DestinationStream, type Logger } from 'pino'
import { createRedactor } from './redact.ts'

export type Log = Logger

export type LogOptions = {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** undefined: readable when the output is a terminal, else JSON. */
  readonly form?: 'json' | 'pretty'
  /** Where lines go; stderr by default, since stdout is for what a command answers; written synchronously, so that a dying process has said why. */
  readonly write?: (line: string) => void
  /** Secrets that must never appear, asked for at each line, so that a reload counts at once. */
  readonly secrets?: () => Iterable<string>
}

/** Errors are logged as `{err}`; objects are `log.info({...}, 'sentence')`. */
export function createLog({ level, form, write, secrets }: LogOptions): Log {
  const out = write ?? ((line: string) => void process.stderr.write(line))
  const clean: DestinationStream = {
    write: (line: string) => out(secrets === undefined ? redactKnown(line) : createRedactor(secrets())(line)),
  }
  const pretty = form === undefined ? write === undefined && process.stderr.isTTY : form === 'pretty'
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, pretty ? prettyStream(clean, write === undefined) : clean)
}

const redactKnown = createRedactor([])

/** Loaded only when it is used: on a server it would cost start time and memory for nothing. */
function prettyStream(destination: DestinationStream, colorize: boolean): DestinationStream {
  const load = createRequire(import.meta.url)
  const { prettyFactory } = load('pino-pretty') as typeof Pretty
  const format = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss', singleLine: true })
  return { write: (line: string) => destination.write(format(line)) }
}
