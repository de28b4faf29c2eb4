// Why a file of the store could not be used, in one sentence, and what to do.

/** `subject`: what it is, with its path. `ifDamaged`: what to do then. */
export function fileTrouble(error: unknown, subject: string, what: 'opened' | 'read' | 'written', ifDamaged: string): string {
  const { errcode = 0, code, message } = error as { errcode?: number; code?: string; message: string }
  const unchanged = what === 'written' ? ' Nothing was changed.' : ''
  const [why, advice] = reason(errcode & 0xff, code, ifDamaged) ?? [message, `Check the file and its directory.`]
  return `${subject} cannot be ${what}: ${why}.${unchanged} ${advice}`
}

/** By SQLite's primary result code, or the code of a file system's error. */
function reason(errcode: number, code: string | undefined, ifDamaged: string): readonly [string, string] | undefined {
  if (errcode === 13 || code === 'ENOSPC') return ['the disk is full', 'Free some space and try again.']
  if (errcode === 8 || code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return ['this user may not write it', 'Make the file and its directory writable for the user that runs Turnpike.']
  if (errcode === 11 || errcode === 26) return ['it is damaged', ifDamaged]
  if (errcode === 5 || errcode === 6) return ['another program holds it locked', 'Close that program and try again.']
  if (errcode === 10) return ['the disk reports an error', 'Check the disk.']
  if (errcode === 14 || code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR')
    return ['there is no such file and it cannot be made', 'Check that its directory exists and is writable.']
  if (errcode === 19) return ['what was to be stored contradicts what is there', 'This is a defect of Turnpike; please report it.']
  return undefined
}
