// A provider that somebody has given another key or address is judged anew.
import { isDeepStrictEqual } from 'node:util'
import type { Provider, Snapshot } from '#config'
import type { Health } from './health.ts'

/** A listener for snapshots. */
export function judgeChanged(health: Pick<Health, 'reset'>): (snapshot: Pick<Snapshot, 'providers'>) => void {
  let before: Snapshot['providers'] = new Map()
  return ({ providers }) => {
    for (const [slug, was] of before) {
      const is = providers.get(slug)
      if (is !== was && (is === undefined || !isDeepStrictEqual(reached(is), reached(was)))) health.reset(slug)
    }
    before = providers
  }
}

/** Where and as whom it is asked. Prices, names and priorities say nothing about how it is doing. */
function reached({ origin, endpoints, embeddings, auth, credentials, headers, timeouts }: Provider): unknown {
  return { origin, endpoints, embeddings, auth, credentials, headers, timeouts }
}
