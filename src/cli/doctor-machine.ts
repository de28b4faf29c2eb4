// What `doctor` sees without asking the admin API: Node, the home and its rights, the disk, the port, who runs.
import { stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import process from 'node:process'
import type { Settings } from '#config'
import type { Typed } from './context.ts'
import { reachableHost } from './connection.ts'
import type { Check } from './doctor-check.ts'
import { systemCode } from './failure.ts'
import { probeNeighbour, readInstanceNote } from './instance.ts'
import { bytesWords } from './words.ts'

/** Below it a day of records may not fit. */
const littleBytes = 1_000_000_000
/** Below it SQLite's own files may not. */
const noBytes = 100_000_000

export async function machineChecks({ home, logMaxBytes }: Settings): Promise<Check[]> {
  const checks: Check[] = [{ state: 'ok', name: 'node', message: `Node ${process.versions.node} (24.16 or newer is needed).` }]
  const found = await stat(home).catch((error: unknown) => systemCode(error) ?? String(error))
  if (typeof found === 'string') {
    checks.push(
      found === 'ENOENT'
        ? { state: 'warn', name: 'home', message: `The home ${home} does not exist yet; the first start makes it.` }
        : {
            state: 'fail',
            name: 'home',
            message: `The home ${home} cannot be looked at (${found}).`,
            fix: 'Give it to the user that runs turnpike.',
          },
    )
    return checks
  }
  checks.push(...(await rightsOf(home)), await diskOf(home, logMaxBytes))
  return checks
}

/** The home and the secrets in it are for their owner alone. */
async function rightsOf(home: string): Promise<Check[]> {
  const bad: Check[] = []
  for (const name of ['', 'admin-token', 'master-key', 'control.db', 'ledger.db', 'records.db', 'journal', 'bodies', 'instance.json']) {
    const file = path.join(home, name)
    const found = await stat(file).catch(() => undefined)
    if (found === undefined) continue
    if (process.getuid !== undefined && found.uid !== process.getuid()) {
      bad.push({
        state: 'fail',
        name: 'rights',
        message: `${file} belongs to another user (${found.uid}; this is ${process.getuid()}).`,
        fix: `Run turnpike as that user, or: chown -R ${process.getuid()} ${home}`,
      })
    } else if ((found.mode & 0o077) !== 0) {
      bad.push({
        state: 'fail',
        name: 'rights',
        message: `Other users of this machine can get at ${file} (mode ${(found.mode & 0o777).toString(8)}).`,
        fix: `chmod ${found.isDirectory() ? 700 : 600} ${file}`,
      })
    }
  }
  return bad.length > 0 ? bad : [{ state: 'ok', name: 'rights', message: 'The home and its secrets are for their owner alone.' }]
}

async function diskOf(home: string, logMaxBytes: number): Promise<Check> {
  const { bavail, bsize } = await statfs(home)
  const freeBytes = bavail * bsize
  const fix = `Free some space, or keep less: TURNPIKE_LOG_MAX_BYTES (now ${bytesWords(logMaxBytes)}), TURNPIKE_RETENTION_DAYS.`
  const message = `${bytesWords(freeBytes)} are free where the home is.`
  if (freeBytes < noBytes) return { state: 'fail', name: 'disk', message, fix }
  return freeBytes < Math.min(littleBytes, logMaxBytes)
    ? { state: 'warn', name: 'disk', message, fix }
    : { state: 'ok', name: 'disk', message }
}

export async function instanceChecks({ home, host, port }: Settings, version: string, typed: Typed): Promise<Check[]> {
  const note = await readInstanceNote(home)
  const neighbour = note === undefined ? undefined : await probeNeighbour(note.url)
  if (note !== undefined && neighbour?.kind === 'turnpike') {
    const checks = [await readiness(note.url)]
    if (note.version !== version) {
      checks.push({
        state: 'warn',
        name: 'version',
        message: `The instance is turnpike ${note.version}, and this command is ${version}.`,
        fix: 'Restart the instance with the same release.',
      })
    }
    return checks
  }
  if (note !== undefined && neighbour === undefined && isAlive(note.pid)) {
    return [
      {
        state: 'fail',
        name: 'instance',
        message: `Process ${note.pid} has noted that it serves at ${note.url}, and nothing answers there: it hangs, or is another program by now.`,
        fix: `kill -KILL ${note.pid}, if it is turnpike; then ${typed('up')}    (it reads what the last process left)`,
      },
    ]
  }
  const stale: Check[] =
    note === undefined
      ? [{ state: 'ok', name: 'instance', message: `None runs on this home. Start it with: ${typed('up')}` }]
      : [
          {
            state: 'warn',
            name: 'instance',
            message: `It ran at ${note.url} (process ${note.pid}) and ended without its goodbye: it was killed, or the machine was.`,
            fix: `${typed('up')}    (it reads what the last process left)`,
          },
        ]
  return [...stale, await portCheck(host, port, typed)]
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

async function readiness(url: string): Promise<Check> {
  const status = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(5000), redirect: 'manual' }).then(
    (answer) => answer.status,
    () => undefined,
  )
  return status === 200
    ? { state: 'ok', name: 'instance', message: `It serves at ${url}.` }
    : { state: 'fail', name: 'instance', message: `It is at ${url} and does not serve (${status === undefined ? 'no answer in 5 s' : `status ${status}`}).`, fix: 'Its log says why; it may be stopping.' } // prettier-ignore
}

/** Whether a start would get its port. */
async function portCheck(host: string, port: number, typed: Typed): Promise<Check> {
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(systemCode(error) ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
  if (code === undefined) return { state: 'ok', name: 'port', message: `${host}:${port} is free.` }
  if (code !== 'EADDRINUSE') {
    return {
      state: 'fail',
      name: 'port',
      message: `Nobody can listen on ${host}:${port} (${code}).`,
      fix: 'Choose another with TURNPIKE_HOST and TURNPIKE_PORT.',
    }
  }
  const neighbour = await probeNeighbour(`http://${reachableHost(host)}:${port}`)
  return {
    state: 'fail',
    name: 'port',
    message: `${host}:${port} is taken by ${neighbour?.kind === 'turnpike' ? 'a turnpike with another home' : 'another program'}.`,
    fix: `Stop it, or choose another port: ${typed(`up --port ${port < 65_535 ? port + 1 : port - 1}`)}`,
  }
}
