// `turnpike requests`: what happened.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { listCommand } from './requests-list.ts'
import { showCommand } from './requests-show.ts'
import { tailCommand } from './requests-tail.ts'

export function requestsCommand(context: CliContext): Command {
  // Who waits for what happens must not hold the home against the instance that is about to start.
  const running: CliContext = { ...context, connect: (options) => context.connect({ ...options, needs: 'running' }) }
  return new Command('requests')
    .description('what happened: list, show or follow requests')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(tailCommand(running))
}
