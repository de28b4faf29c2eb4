// What `doctor` finds at each provider: keys, address, and whether the clocks agree.
import type { ProviderView } from '#control'
import { allPages, type AdminClient } from './admin-client.ts'
import type { Typed } from './context.ts'
import type { Check } from './doctor-check.ts'
import { probe, probeLines } from './provider-probe.ts'

export async function providerChecks(client: AdminClient, nowMs: () => number, typed: Typed): Promise<Check[]> {
  const providers = (await allPages<ProviderView>(client, 'providers')).filter(({ origin }) => origin !== 'built-in')
  if (providers.length === 0) {
    return [{ state: 'warn', name: 'providers', message: 'There is none but the simulator.', fix: typed('providers add') }]
  }
  const examined = await Promise.all(providers.map((provider) => providerCheck(client, provider, typed)))
  return [...examined.flat(), ...(await clockChecks(providers, nowMs))]
}

async function providerCheck(client: AdminClient, provider: ProviderView, typed: Typed): Promise<Check[]> {
  const name = `provider ${provider.slug}`
  const address = addressTrouble(provider)
  const troubles = provider.credentials.filter(({ trouble }) => trouble !== undefined)
  const report = await probe(client, provider.slug)
  const add = typed(`providers add ${provider.vendor} --slug ${provider.slug} --replace`)
  const fix =
    provider.origin === 'file'
      ? 'Correct it in turnpike.yaml.'
      : provider.origin === 'environment'
        ? 'Correct the variable that the gateway is started with.'
        : add
  return [
    ...troubles.map(({ trouble }): Check => ({ state: 'fail', name, message: trouble!, fix })),
    ...(address === undefined ? [] : [{ state: report.ok ? 'warn' : 'fail', name, ...address } as const]),
    ...(report.ok
      ? [{ state: 'ok', name, message: probeLines(provider.slug, report).join(' ') } as const]
      : troubles.length > 0
        ? []
        : [{ state: 'fail', name, message: probeLines(provider.slug, report).join(' '), fix } as const]),
  ]
}

/** How people get base URLs wrong. */
function addressTrouble({ base_url: url, wires, vendor }: ProviderView): { readonly message: string; readonly fix: string } | undefined {
  const base = URL.parse(url)
  if (base === null) return undefined
  const pathname = base.pathname.replace(/\/+$/, '')
  const endpoint = /\/(chat\/completions|completions|messages|models)$/.exec(pathname)?.[0]
  if (endpoint !== undefined) {
    return {
      message: `Its base URL ${url} ends in an endpoint's path.`,
      fix: `Without ${endpoint}: ${base.origin}${pathname.slice(0, -endpoint.length)}`,
    }
  }
  if (/\/v1\/v1(\/|$)/.test(pathname))
    return { message: `Its base URL ${url} has /v1 twice.`, fix: `${base.origin}${pathname.replace('/v1/v1', '/v1')}` }
  // Vendors that are known by name have the address they have; DeepSeek's ends without /v1.
  const isOwn = vendor === 'openai-compatible' || vendor === 'openai' || base.hostname === 'localhost' || base.hostname.startsWith('127.')
  if (isOwn && pathname === '' && wires['openai-chat'] === '/chat/completions') {
    return { message: `Its base URL ${url} has no /v1, below which OpenAI-compatible servers have their API.`, fix: `${base.origin}/v1` }
  }
  return undefined
}

const skewWarnMs = 30_000
const skewFailMs = 300_000

/** A clock that is wrong makes keys expire at the wrong time and certificates invalid. Asked without a key. */
async function clockChecks(providers: readonly ProviderView[], nowMs: () => number): Promise<Check[]> {
  const remote = providers.filter(({ base_url: url }) => url.startsWith('https:')).slice(0, 3)
  const skews = await Promise.all(
    remote.map(async ({ base_url: url }) => {
      const sentMs = nowMs()
      const answer = await fetch(new URL(url).origin, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(5000) }).catch(
        () => undefined,
      )
      const theirs = Date.parse(answer?.headers.get('date') ?? '')
      // Of the second, and of the moment in the middle of the call.
      return Number.isNaN(theirs) ? undefined : theirs + 500 - (sentMs + nowMs()) / 2
    }),
  )
  const known = skews.filter((skew) => skew !== undefined)
  // One of them may be wrong itself: the one that agrees best counts.
  const [skew] = known.toSorted((a, b) => Math.abs(a) - Math.abs(b))
  if (skew === undefined) return []
  const seconds = Math.round(Math.abs(skew) / 1000)
  if (Math.abs(skew) < skewWarnMs) return [{ state: 'ok', name: 'clock', message: 'It agrees with the providers.' }]
  return [
    {
      state: Math.abs(skew) < skewFailMs ? 'warn' : 'fail',
      name: 'clock',
      message: `This machine's clock is ${seconds} s ${skew > 0 ? 'behind' : 'ahead of'} the providers'.`,
      fix: 'Set it by the network: timedatectl set-ntp true',
    },
  ]
}
