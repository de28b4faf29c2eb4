// What stops a start: one sentence that names the setting or file, what is wrong with it, and what to do. Never a secret.
export class ConfigError extends Error {
  /** The setting, or the file and path in it, that is at fault. */
  readonly subject: string

  constructor(subject: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ConfigError'
    this.subject = subject
  }
}

/** ` Did you mean X?` or nothing; `near` as `nearestNames` gives it. */
export function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
}

/** Why a file operation failed, in words. */
export function fileTrouble(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  switch (code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not access it'
    case 'EISDIR':
      return 'it is a directory'
    case 'ENOTDIR':
      return 'a part of its path is a file, not a directory'
    case 'EROFS':
      return 'the file system is read-only'
    case 'ENOSPC':
      return 'the disk is full'
    case undefined:
      return String(error)
    default:
      return `the system says ${code}`
  }
}
