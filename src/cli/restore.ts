// `turnpike restore`: puts a backup in the place of what a stopped home holds.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import type { ProviderView } from '#control'
import { environment, readSettings } from '#config'
import { allPages } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { formatTime } from './words.ts'

const examples = `
Examples:
  turnpike restore /mnt/backups/turnpike-backup-20261121T120000Z
  turnpike restore ./turnpike-backup-20261121T120000Z --home ./another
  turnpike restore ./turnpike-backup-20261121T120000Z --force      what the home holds is kept in a folder inside it

The master key, the admin token and turnpike.yaml are not in a backup: put the master key of the instance that made it
into the home (file master-key, mode 0600) or into TURNPIKE_MASTER_KEY, else the providers' keys cannot be read.
`

export function restoreCommand(context: CliContext): Command {
  const { terminal, connect, version } = context
  const restore = new Command('restore')
    .description('put a backup in the place of what a stopped home holds')
    .argument('<folder>', 'the backup: a folder with a manifest.json')
    .option('--force', 'also when the home has data; it is kept beside')
  return addInstanceOptions(restore, 'what was restored, as JSON')
    .addHelpText('after', examples)
    .action(async (folder: string, options: InstanceOptions & { readonly force?: true }) => {
      const { home } = readSettings({ overrides: { home: options.home }, asClient: true })
      const { createBackups } = await import('#store')
      let restored: ReturnType<ReturnType<typeof createBackups>['restore']>
      try {
        restored = createBackups({ home, version }).restore(folder, { force: options.force === true })
      } catch (error) {
        throw new CliFailure((error as Error).message)
      }
      const { manifest, kept } = restored
      if (options.json === true) terminal.line(JSON.stringify({ home, manifest, kept: kept ?? null }))
      else {
        terminal.line(`Restored into ${home}: the backup of ${formatTime(manifest.created_at)}.`)
        if (kept !== undefined) terminal.line(`What the home held before is in ${kept}; delete it when you don't need it.`)
      }
      const keyFile = path.join(home, 'master-key')
      const hasKey = existsSync(keyFile) || (environment()['TURNPIKE_MASTER_KEY'] ?? '') !== ''
      if (!hasKey) {
        // Opened now, the home would get a master key of its own, which fits nothing.
        terminal.remark(
          `Before the start: put the master key of the instance that made the backup into ${keyFile} (mode 0600) or into TURNPIKE_MASTER_KEY. Without it the providers' keys cannot be read.`,
        )
        return
      }
      const client = await connect({ ...options, needs: 'create' })
      const providers = await allPages<ProviderView>(client, 'providers')
      const unreadable = providers.filter(({ credentials }) =>
        credentials.some(({ source, trouble }) => source === 'value' && trouble !== undefined),
      )
      if (unreadable.length > 0) {
        const slugs = unreadable.map(({ slug }) => slug).join(', ')
        throw new CliFailure(
          `The master key of this home does not fit the keys of ${slugs}. Put the one of the instance that made the backup into ${keyFile}, or add the keys again: ${typedFor(context, options)('providers add --replace')}`,
        )
      }
      if (options.json !== true)
        terminal.line(
          `${providers.length} provider${providers.length === 1 ? '' : 's'}, and every stored key can be read. Start it with: ${typedFor(context, options)('up')}`,
        )
    })
}
