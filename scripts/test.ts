// `npm test`: runs the tests on the Node that runs this file, says in the end what was skipped and why.
//
//   npm test                              every test that can run here, one line a file
//   npm test -- src/ir splice             only files whose path contains one of these words, one line a test
//   npm test -- --name 'torn tail'        only tests whose title matches this regular expression
//   npm test -- --verbose                 one line a test
//   npm test -- --timeout-s 600           how long one file may take (180)
//   npm test -- --smoke                   the few that show whether this Node version can run Turnpike at all
import { globSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'

const root = path.dirname(import.meta.dirname)

/** What leans most on the Node version: the package as installed, worker threads, SQLite, sockets. */
const smokePaths = ['test/repository/pack', 'src/journal/', 'src/store/', 'src/upstream/', 'src/ingress/', 'src/cli/']

/** Left out unless asked for by path: what they are, and how they are run. */
const slow: ReadonlyMap<string, string> = new Map([
  ['test/e2e/kill9', 'kills a gateway under load again and again, for minutes; npm run test:kill9'],
  ['test/openclaw', 'installs and starts a real OpenClaw; npm run test:openclaw'],
  ['test/clients', 'installs and starts coding agents and client libraries; npm run test:clients'],
])

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean' },
    verbose: { type: 'boolean' },
    name: { type: 'string' },
    'timeout-s': { type: 'string', default: '180' },
  },
})
const words =
  values.smoke === true ? smokePaths : positionals.map((word) => path.relative(root, path.resolve(root, word)).split(path.sep).join('/'))
const files = globSync('{src,test,bench,scripts}/**/*.test.ts', { cwd: root })
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => (words.length === 0 ? !isSlow(file) : words.some((word) => file.includes(word))))
  .sort()
if (files.length === 0) {
  console.error(`No test file matches ${words.join(', ')}: words are matched against paths such as src/kernel/ids.test.ts.`)
  process.exit(1)
}

const verbose = values.verbose === true || positionals.length > 0
const skipped = new Map<string, string[]>()
const events = run({
  cwd: root,
  files: files.map((file) => path.join(root, file)),
  // Tests wait for sockets and timers more than they compute.
  concurrency: Math.max(2, os.availableParallelism()),
  // A file that hangs fails, instead of the whole run.
  timeout: Number(values['timeout-s']) * 1000,
  ...(values.name === undefined ? {} : { testNamePatterns: [new RegExp(values.name)] }),
})

const report = new spec()
report.pipe(process.stdout)
for await (const event of events) {
  if (event.type === 'test:fail' && event.data.todo === undefined) process.exitCode = 1
  if (event.type === 'test:pass' && typeof event.data.skip === 'string') {
    const titles = skipped.get(event.data.skip) ?? []
    skipped.set(event.data.skip, [...titles, event.data.name])
  }
  if (event.type === 'test:summary' && event.data.file !== undefined && !verbose) {
    const { counts, duration_ms: durationMs, success, file } = event.data
    const skips = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
    report.write({
      type: 'test:stdout',
      data: {
        file,
        message: `${success ? '✔' : '✖'} ${path.relative(root, file)} (${counts.tests} tests${skips}, ${Math.round(durationMs)} ms)\n`,
      },
    })
  }
  // The counts close the report; what was skipped goes before them.
  if (event.type === 'test:diagnostic' && event.data.message.startsWith('tests ')) {
    for (const [reason, titles] of skipped) {
      const count = titles.length === 1 ? `"${titles[0]}"` : `${titles.length} tests`
      report.write({ type: 'test:stdout', data: { file: '', message: `Skipped ${count}: ${reason}\n` } })
    }
    if (words.length === 0) {
      for (const [place, reason] of slow)
        report.write({ type: 'test:stdout', data: { file: '', message: `Left out ${place}: ${reason}\n` } })
    }
  }
  if (verbose || (event.type !== 'test:pass' && event.type !== 'test:start')) report.write(event)
}
report.end()

function isSlow(file: string): boolean {
  return [...slow.keys()].some((place) => file.startsWith(place))
}
