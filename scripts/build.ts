// `npm run build`: compiles src/ into dist/, which is all that the package contains.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.dirname(import.meta.dirname)
const source = path.join(root, 'src')
const target = path.join(root, 'dist')

rmSync(target, { recursive: true, force: true })
compile()
copyData()
writeImports()
// npm marks a bin executable when it installs the package; this is for running it from a clone.
chmodSync(path.join(target, 'cli', 'turnpike.js'), 0o755)

function compile(): void {
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '--project', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    console.error('The build stopped: TypeScript found errors, above.')
    process.exit(1)
  }
}

/** Files beside the code that are read or imported as they are. */
function copyData(): void {
  for (const file of globSync('**/*.{json,sql}', { cwd: source })) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true })
    cpSync(path.join(source, file), path.join(target, file))
  }
}

/**
 * Node resolves `#room` by the nearest package.json. The project's own points at `src/**.ts`, for development; dist/package.json is
 * nearer to the compiled files and points at them.
 */
function writeImports(): void {
  const { imports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> }
  const compiled = Object.entries(imports)
    .filter(([, file]) => file.startsWith('./src/'))
    .map(([name, file]) => [name, file.replace(/^\.\/src\//, './').replace(/\.ts$/, '.js')])
  writeFileSync(
    path.join(target, 'package.json'),
    `${JSON.stringify({ type: 'module', imports: Object.fromEntries(compiled) }, undefined, 2)}\n`,
  )
}
