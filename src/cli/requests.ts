// `turnpike requests`: what happened, asked of the running instance.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { listCommand } from './requests-list.ts'
import { showCommand } from './requests-show.ts'
import { tailCommand } from './requests-tail.ts'

export function requestsCommand(context: CliContext): Command {
  return new Command('requests')
    .description('what happened: list, show or follow requests')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(tailCommand(context))
}
