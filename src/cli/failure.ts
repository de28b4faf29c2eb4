// What a command says when it cannot do what was asked: one clear sentence, and the exit code.

/** 1: could not be done. 2: asked for wrongly. */
export type ExitCode = 1 | 2

export class CliFailure extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = 1) {
    super(message)
    this.name = 'CliFailure'
    this.exitCode = exitCode
  }
}

export function misused(message: string): CliFailure {
  return new CliFailure(message, 2)
}

/** `code` of a system error (`EADDRINUSE`), wherever it is in the chain of causes; undefined when there is none. */
export function systemCode(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code
    if (cause instanceof AggregateError) {
      const inner = cause.errors.map(systemCode).find((found) => found !== undefined)
      if (inner !== undefined) return inner
    }
  }
  return undefined
}

/** Why a home could not be opened, in one sentence where the system's own words would not do. */
export function explainHome(error: unknown, home: string): unknown {
  if (!(error instanceof Error)) return error
  const code = systemCode(error)
  // Without a code of its own it is a room's sentence about its file, which says more.
  const isRaw = 'code' in error
  if (isRaw && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')) {
    const { path: file = home } = error as NodeJS.ErrnoException
    return new CliFailure(`This user may not write ${file}; make all of the home ${home} this user's own, or choose another with --home.`)
  }
  if (isRaw && code === 'ENOSPC')
    return new CliFailure(`The disk of the home ${home} is full; free some space, or choose another with --home.`)
  // The rooms reject with sentences for the operator; anything else is a defect, and keeps its stack.
  return error.name === 'Error' ? new CliFailure(error.message) : error
}
