// `turnpike openclaw`: the connection with OpenClaw, made and checked.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { checkCommand } from './openclaw-check.ts'
import { setupCommand } from './openclaw-setup.ts'

export function openClawCommand(context: CliContext): Command {
  return new Command('openclaw')
    .description('connect OpenClaw with this gateway, or find why it is not')
    .addCommand(setupCommand(context))
    .addCommand(checkCommand(context))
}
