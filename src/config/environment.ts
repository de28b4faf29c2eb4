// The process's environment: the one place that reads it.
import process from 'node:process'

export type Environment = Readonly<Record<string, string | undefined>>

export function environment(): Environment {
  return process.env
}
