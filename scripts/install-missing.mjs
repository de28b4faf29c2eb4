// Installs what package-lock.json asks for when it isn't there, and does nothing, offline and at once, when it is.
// Plain JavaScript, unlike everything else here: it runs before node_modules exists, on the machine's own Node, and Node 20 reads no
// TypeScript. Every npm script that needs a package starts with it; the commands after it find the project's own Node first on PATH,
// behind a `hash -r`: a shell like Debian's keeps where it found the `node` that ran this.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const projectNode = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

const reason = whyInstall()
if (reason !== undefined) install(reason)
if (!existsSync(projectNode) && !isRecentEnough(process.versions.node)) {
  stop(
    `npm installed the packages but not Node: it was told not to run install scripts. Run "npm rebuild node --ignore-scripts=false", or use a Node ${minimumNode()} or newer (this is ${process.versions.node}).`,
  )
}

/** A few words when node_modules is not what package-lock.json describes, else undefined. npm keeps its own account of what it installed. */
function whyInstall() {
  const wanted = packagesOf(path.join(root, 'package-lock.json'))
  if (wanted === undefined) stop('package-lock.json is missing or unreadable: this is not a whole clone of the project.')
  const installed = packagesOf(path.join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return 'first start'
  for (const [where, entry] of Object.entries(wanted)) {
    if (where === '') continue
    const found = installed[where]
    // Packages for other systems are optional and rightly absent.
    if (found === undefined ? entry.optional !== true : found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${where.replace(/^.*node_modules\//, '')} changed`
    }
  }
  return undefined
}

/** @param {string} why */
function install(why) {
  process.stdout.write(`Installing what package-lock.json asks for (${why}; needs the network, about a minute) ...`)
  const began = Date.now()
  // --include=dev because NODE_ENV=production would leave out the Node we run on; loglevel error because npm warns that our `engines`
  // asks for a newer Node than the machine's, which is the very thing being installed.
  // Short pauses between retries, because without a network npm would otherwise try for ten minutes before it says so.
  const pauses = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const npmArguments = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error', ...pauses]
  const npm = process.env.npm_execpath
  const result =
    npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...npmArguments], { cwd: root, encoding: 'utf8' })
      : spawnSync('npm', npmArguments, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' })
  const seconds = Math.round((Date.now() - began) / 1000)
  if (result.status === 0) {
    process.stdout.write(` done in ${seconds} s.\n`)
    return
  }
  process.stdout.write(` failed after ${seconds} s.\n${result.stdout ?? ''}${result.stderr ?? ''}`)
  stop(result.error === undefined ? 'npm ci failed; what it said is above.' : `npm could not be started: ${result.error.message}`)
}

/** @param {string} file */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

function minimumNode() {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).engines.node.replace(/^>=/, '')
}

/** @param {string} version */
function isRecentEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = minimumNode().split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/** @param {string} sentence @returns {never} */
function stop(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
