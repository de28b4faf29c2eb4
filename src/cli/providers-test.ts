// `turnpike providers test`: one cheap call to a provider, or to each.
import { Command } from 'commander'
import type { ProviderView } from '#control'
import type { List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { probe, probeLines } from './provider-probe.ts'

const examples = `
Examples:
  turnpike providers test                  every provider
  turnpike providers test openai
  turnpike providers test --json | jq '.data[] | select(.ok | not)'

Nothing is generated and nothing is charged. Ends with 1 when one does not work.
`

export function testProvidersCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const test = new Command('test')
    .description('does it answer, and do its keys work?')
    .argument('[slug]', 'one provider; all when left out')
  return addInstanceOptions(test, 'what each said, as JSON')
    .addHelpText('after', examples)
    .action(async (slug: string | undefined, options: InstanceOptions) => {
      const client = await connect(options)
      const slugs = slug === undefined ? (await client.get<List<ProviderView>>('providers')).data.map((one) => one.slug) : [slug]
      if (slugs.length === 0) throw new CliFailure(`There is no provider to test. Add one: ${typedFor(context, options)('providers add')}`)
      const reports = await Promise.all(slugs.map(async (one) => ({ slug: one, ...(await probe(client, one)) })))
      if (options.json === true) terminal.line(JSON.stringify({ data: reports }))
      else {
        for (const { slug: name, ...report } of reports) {
          for (const line of probeLines(name, report)) terminal.line(report.ok ? line : terminal.paint('red', line))
        }
      }
      const broken = reports.filter(({ ok }) => !ok)
      if (broken.length > 0) {
        throw new CliFailure(
          reports.length === 1 ? `${broken[0]!.slug} does not work.` : `${broken.length} of ${reports.length} providers do not work: ${broken.map((one) => one.slug).join(', ')}.`,
        ) // prettier-ignore
      }
    })
}
