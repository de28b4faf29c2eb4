// The programs that a run needs beside Node: what is there, in which version, and how to get what is missing.
import { spawnSync } from 'node:child_process'

const tools = [
  { name: 'taskset', args: ['--version'], debian: 'util-linux', why: 'pins gateway and load to a core each' },
  { name: 'nginx', args: ['-v'], debian: 'nginx-light', why: 'the mock provider, and a peer' },
  { name: 'wrk', args: ['-v'], debian: 'wrk', why: 'saturating load' },
  { name: 'h2load', args: ['--version'], debian: 'nghttp2-client', why: 'load at a fixed rate, for latency' },
] as const

/** Versions by name; throws one sentence when something is missing. */
export function findTools(): Record<string, string> {
  if (process.platform !== 'linux') throw new Error('The bench needs Linux: it reads CPU times from /proc and pins processes to cores.')
  const versions: Record<string, string> = {}
  const missing: (typeof tools)[number][] = []
  for (const tool of tools) {
    const { error, stdout, stderr } = spawnSync(tool.name, tool.args, { encoding: 'utf8' })
    if (error === undefined) versions[tool.name] = /\d+\.[\w.]+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
    else missing.push(tool)
  }
  if (missing.length > 0) {
    const list = missing.map(({ name, why }) => `${name} (${why})`).join(', ')
    throw new Error(`The bench needs ${list}. On Debian: apt-get install -y ${missing.map(({ debian }) => debian).join(' ')}`)
  }
  return versions
}
