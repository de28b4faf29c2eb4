// `turnpike keys`: gateway keys, with which clients come.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { createKeyCommand } from './keys-create.ts'
import { listKeysCommand, showKeyCommand } from './keys-list.ts'
import { revokeKeyCommand } from './keys-revoke.ts'
import { rotateKeyCommand } from './keys-rotate.ts'
import { updateKeyCommand } from './keys-update.ts'

export function keysCommand(context: CliContext): Command {
  return new Command('keys')
    .description('gateway keys: create, list, show, update, rotate or revoke')
    .addCommand(createKeyCommand(context))
    .addCommand(listKeysCommand(context))
    .addCommand(showKeyCommand(context))
    .addCommand(updateKeyCommand(context))
    .addCommand(rotateKeyCommand(context))
    .addCommand(revokeKeyCommand(context))
}
