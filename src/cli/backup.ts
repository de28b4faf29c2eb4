// `turnpike backup`: a copy of everything that is stored, made beside a running instance or of a home that lies still.
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { readSettings } from '#config'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { probeNeighbour, readInstanceNote } from './instance.ts'
import { bytesWords } from './words.ts'

const examples = `
Examples:
  turnpike backup /mnt/backups
  turnpike backup ./backups --json | jq -r .path

Makes a folder turnpike-backup-<time> in it: providers (their keys encrypted), gateway keys (as hashes), aliases, prices,
settings, the ledger, and every record with its bodies. Not in it: the master key, the admin token and turnpike.yaml.
`

export function backupCommand(context: CliContext): Command {
  const { terminal, connect, version } = context
  return addInstanceOptions(
    new Command('backup').description('copy everything that is stored, also while it runs').argument('<folder>', 'where to put it'),
    'where it is and what is in it, as JSON',
  )
    .addHelpText('after', examples)
    .action(async (folder: string, options: InstanceOptions) => {
      const { home } = readSettings({ overrides: { home: options.home }, asClient: true })
      // Answering a query, the instance first writes what its journal still holds.
      const note = await readInstanceNote(home)
      const isRunning = note !== undefined && (await probeNeighbour(note.url))?.kind === 'turnpike'
      if (isRunning) await (await connect({ ...options, needs: 'running' })).listRequests({ limit: '1' })
      else if (journalHolds(home)) {
        terminal.remark(
          `The last process on this home was killed; its last records are not in the backup until it has been started once more (${typedFor(context, options)('up')}).`,
        )
      }
      const { createBackups } = await import('#store')
      const made = await createBackups({ home, version })
        .create(folder, progressOf(terminal.isTty ? terminal.remark : () => {}))
        .catch((error: Error) => {
          throw new CliFailure(error.message)
        })
      if (options.json === true) return terminal.line(JSON.stringify(made))
      const bytes = made.manifest.files.reduce((sum, file) => sum + file.bytes, 0)
      terminal.line(`Backed up to ${made.path} (${bytesWords(bytes)}).`)
      terminal.remark(
        `Keep beside it, in another place: the master key (${path.join(home, 'master-key')}, unless it is in TURNPIKE_MASTER_KEY), without which the providers' keys in the backup stay unreadable, and turnpike.yaml if there is one.`,
      )
    })
}

/** Says each quarter of a long copy. */
function progressOf(say: (text: string) => void): (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void {
  let said = 0
  return ({ doneBytes, totalBytes }) => {
    const quarter = Math.floor((4 * doneBytes) / totalBytes)
    if (totalBytes < 50_000_000 || quarter <= said || quarter === 4) return
    said = quarter
    say(`${quarter * 25} % of ${bytesWords(totalBytes)}`)
  }
}

function journalHolds(home: string): boolean {
  const folder = path.join(home, 'journal')
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.tpj'))
}
