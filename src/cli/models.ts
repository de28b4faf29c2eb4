// `turnpike models`: what the providers serve, and prices of your own.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { listModelsCommand } from './models-list.ts'
import { priceCommand } from './models-price.ts'
import { unpricedCommand } from './models-unpriced.ts'

export function modelsCommand(context: CliContext): Command {
  return new Command('models')
    .description('models that the providers serve, and their prices')
    .addCommand(listModelsCommand(context))
    .addCommand(priceCommand(context))
    .addCommand(unpricedCommand(context))
}
