// What the commands about money have in common: exact amounts, windows of time, and what a transfer is.
import type { TransferView } from '#control'
import { misused } from './failure.ts'
import { formatCount, parseMoment, plain } from './words.ts'

/** `-2.5` -> `-$2.50`: never rounded, with two decimals at least. */
export function exactUsd(usd: string): string {
  const [whole = '0', fraction = ''] = usd.replace('-', '').split('.')
  return `${usd.startsWith('-') ? '-' : ''}$${whole}.${fraction.padEnd(2, '0')}`
}

/** As the admin API takes it. */
export function momentOption(option: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined
  const moment = parseMoment(text, nowMs)
  if (moment === undefined)
    throw misused(`${option} takes a duration back from now (1h, 7d) or a date (2026-11-21, 2026-11-21T12:00Z), not '${text}'.`)
  return moment
}

/** `credit`, `37 requests`, `refund of 01kaw...`. */
export function transferWords({ kind, requests, request_id: request }: Pick<TransferView, 'kind' | 'requests' | 'request_id'>): string {
  if (kind === 'charge') return request === null ? `${formatCount(requests)} requests` : `request ${plain(request)}`
  return request === null ? kind : `${kind} of ${plain(request)}`
}
