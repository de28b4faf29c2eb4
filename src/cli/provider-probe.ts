// What a provider's test says, in words.
import type { ProbeReport } from '#upstream'
import type { AdminClient } from './admin-client.ts'
import { formatCount, formatMs, plain } from './words.ts'

export function probe(client: AdminClient, slug: string): Promise<ProbeReport> {
  return client.send<ProbeReport>('POST', `providers/${encodeURIComponent(slug)}/test`)
}

/** One line that says it all, then what is wrong with each key where there are several, or what a working one is in trouble with. */
export function probeLines(slug: string, report: ProbeReport): string[] {
  if (report.ok) {
    const works = `${slug} works: ${formatMs(report.ms)}${foundWords(report.models_found)}.`
    return report.trouble === null ? [works] : [works, `  ${plain(report.trouble)}`]
  }
  const failed = report.credentials.filter(({ ok }) => !ok)
  const working = report.credentials.length - failed.length
  const trouble = report.trouble ?? failed.find((one) => one.trouble !== null)?.trouble ?? 'It did not answer as a provider does.'
  if (report.credentials.length <= 1) return [`${slug} does not work: ${plain(trouble)}`]
  return [
    working === 0 ? `${slug} does not work: ${plain(trouble)}` : `${slug}: ${working} of ${report.credentials.length} keys work.`,
    ...report.credentials.map(({ name, ok, ms, models, trouble: why }) =>
      ok ? `  ${plain(name)} works: ${formatMs(ms)}${foundWords(models)}.` : `  ${plain(name)}: ${plain(why ?? trouble)}`,
    ),
  ]
}

function foundWords(models: number | null): string {
  if (models === null) return ''
  return `, ${formatCount(models)} model${models === 1 ? '' : 's'} found`
}
