// The top of CPU profiles (`--cpu-prof`), all threads of a process together: self time by function.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'

type Node = {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}
type Profile = { readonly nodes: readonly Node[]; readonly samples: readonly number[]; readonly timeDeltas: readonly number[] }

export function topOfProfiles(folder: string, count: number): string {
  if (!existsSync(folder)) return '  no profile was written'
  return (
    readdirSync(folder)
      .filter((name) => name.endsWith('.cpuprofile'))
      .map((name) => topOfProfile(JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Profile, name, count))
      .sort((a, b) => b.busyUs - a.busyUs)
      // The rest are threads that only started.
      .slice(0, 2)
      .map(({ text }) => text)
      .join('\n')
  )
}

function topOfProfile({ nodes, samples, timeDeltas }: Profile, name: string, count: number): { busyUs: number; text: string } {
  const labels = new Map(
    nodes.map(({ id, callFrame }) => [
      id,
      `${callFrame.functionName || '(anonymous)'} ${shortUrl(callFrame.url)}:${callFrame.lineNumber + 1}`,
    ]),
  )
  const selfUs = new Map<string, number>()
  samples.forEach((id, index) => {
    const label = labels.get(id) ?? '?'
    selfUs.set(label, (selfUs.get(label) ?? 0) + (timeDeltas[index] ?? 0))
  })
  const busy = [...selfUs].filter(([label]) => !isIdle(label))
  const total = busy.reduce((sum, [, us]) => sum + us, 0)
  const top = busy.sort((a, b) => b[1] - a[1]).slice(0, count)
  const lines = [
    `  ${name}: ${(total / 1e6).toFixed(2)} s busy`,
    ...top.map(([label, us]) => `  ${((us / total) * 100).toFixed(1).padStart(5)} %  ${label}`),
  ]
  return { busyUs: total, text: lines.join('\n') }
}

/** A thread that sleeps on a lock (Atomics.wait) is sampled as if it ran. */
function isIdle(label: string): boolean {
  return label.startsWith('(idle)') || label.startsWith('sleep ')
}

function shortUrl(url: string): string {
  return url.replace(/^file:\/\/.*\/(src|dist|node_modules)\//, '$1/')
}
