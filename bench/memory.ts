// A virtual machine gets much of its memory only when it is first touched, and who touches it pays: a page fault in the host, counted as
// CPU of the guest's thread. Files that a contender writes grow the page cache into such memory, so it is touched before anything is measured.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const pieceBytes = 256 << 20
/** More than any scenario writes. */
const mostBytes = 14 * 2 ** 30
/** Left alone: other programs run here too. */
const spareBytes = 3 * 2 ** 30

export type TouchedMemory = { readonly gigabytes: number; readonly firstMsPerGb: number; readonly againMsPerGb: number }

/** Touches free memory and gives it back. The two times are near each other where memory is really there. */
export function touchMemory(say: (line: string) => void): TouchedMemory {
  const bytes = Math.min(mostBytes, availableBytes() - spareBytes)
  const pieces = Math.max(1, Math.floor(bytes / pieceBytes))
  say(`touching ${gigabytes(pieces)} GB of memory`)
  const firstMs = touch(pieces)
  const few = Math.min(pieces, 8)
  return {
    gigabytes: gigabytes(pieces),
    firstMsPerGb: Math.round(firstMs / gigabytes(pieces)),
    againMsPerGb: Math.round(touch(few) / gigabytes(few)),
  }
}

function gigabytes(pieces: number): number {
  return (pieces * pieceBytes) / 2 ** 30
}

/** In a process of its own, so that all of it is free again. */
function touch(pieces: number): number {
  const program = `const kept = []; const at = performance.now()
for (let i = 0; i < ${pieces}; i++) kept.push(Buffer.allocUnsafeSlow(${pieceBytes}).fill(1))
console.log(performance.now() - at)`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', program], { encoding: 'utf8', timeout: 300_000 })
  if (status !== 0) throw new Error(`The machine's memory could not be touched: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  return Number(stdout)
}

function availableBytes(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
}
