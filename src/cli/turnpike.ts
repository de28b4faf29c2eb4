#!/usr/bin/env node
// Entry of the command. Written so that an old Node can parse it and say which one is needed; the rest is loaded afterwards.
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 16)) {
  process.stderr.write(
    `turnpike needs Node 24.16 or newer and this is Node ${process.versions.node}; install a newer one from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  // Before anything is loaded; a V8 that does not know a flag says so and goes on.
  // Every body is read into memory outside of V8's heap. By default V8 collects its whole heap whenever 64 MB of that have come and gone,
  // several times a second under load; counted into its usual limit they cost a third less.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  // What survives a request is little: threads that help to copy or mark it cost more in waking and waiting than they do.
  setFlagsFromString('--no-parallel-scavenge')
  // Compiled code is kept through quiet times: an agent's next turn comes when V8 has already thrown it away.
  setFlagsFromString('--no-flush-bytecode')
  setFlagsFromString('--concurrent-marking-max-worker-num=1')
  // A request passes many small functions once. Inlined further than V8's usual budget, they cost the event loop 6 % less.
  setFlagsFromString('--max-inlined-bytecode-size=1200')
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500')
  // From source, each start and each thread would strip the types of every file anew: half of the time, and 45 MB. Threads see the
  // variable alone, and the rooms cannot be loaded before it is set.
  if (import.meta.url.endsWith('.ts')) {
    // oxlint-disable-next-line turnpike/environment -- set, for Node itself; read nowhere
    process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../../node_modules/.cache/turnpike', import.meta.url))
    module.enableCompileCache()
  }
  void import('./program.ts').then(({ main }) => main(process.argv.slice(2)))
}
