#!/usr/bin/env node
// Entry of the command. Written so that an old Node can parse it and say which one is needed; the rest is loaded afterwards.
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 16)) {
  process.stderr.write(
    `turnpike needs Node 24.16 or newer and this is Node ${process.versions.node}; install a newer one from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  // Every body is read into memory outside of V8's heap. By default V8 collects its whole heap whenever 64 MB of that have come and gone,
  // several times a second under load; counted into its usual limit they cost a third less. Before anything is loaded; a V8 that does not know the flag says so and goes on.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  void import('./program.ts').then(({ main }) => main(process.argv.slice(2)))
}
