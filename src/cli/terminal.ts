// Where a command writes: answers to stdout, remarks to stderr, colours only where a person looks.
import { styleText } from 'node:util'

export type Format = Parameters<typeof styleText>[0]

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean }

export type Terminal = {
  /** A line of the answer. */
  readonly line: (text: string) => void
  /** Bytes of the answer as they are. */
  readonly bytes: (bytes: Uint8Array) => void
  /** A remark for a person; never part of what a script reads. */
  readonly remark: (text: string) => void
  /** Colours `text`, unless stdout is a pipe or the user doesn't want colours (NO_COLOR). */
  readonly paint: (format: Format, text: string) => string
  readonly isTty: boolean
}

export function createTerminal(stdout: Stream, stderr: Stream): Terminal {
  return {
    line: (text) => void stdout.write(`${text}\n`),
    bytes: (bytes) => void stdout.write(bytes),
    remark: (text) => void stderr.write(`${text}\n`),
    paint: (format, text) => styleText(format, text, { stream: stdout }),
    isTty: stdout.isTTY === true,
  }
}
