#!/usr/bin/env node
// Entry of the command. Written so that an old Node can parse it and say which one is needed; the rest is loaded afterwards.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 16)) {
  process.stderr.write(
    `turnpike needs Node 24.16 or newer and this is Node ${process.versions.node}; install a newer one from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  void import('./program.ts').then(({ main }) => main(process.argv.slice(2)))
}
