// `turnpike requests`: what happened, asked of the running instance.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { listCommand } from './requests-list.ts'
import { showCommand } from './requests-show.ts'
import { tailCommand } from './requests-tail.ts'

export function requestsCommand(context: CliContext): Command {
  // Records are read and written by the instance: a home that lies still has none that are not loaded yet.
  const running: CliContext = { ...context, connect: (options) => context.connect({ ...options, needs: 'running' }) }
  return new Command('requests')
    .description('what happened: list, show or follow requests')
    .addCommand(listCommand(running))
    .addCommand(showCommand(running))
    .addCommand(tailCommand(running))
}
