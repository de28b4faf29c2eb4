// The webhook of alerts: the file's, or the stored one, whose secret is sealed for its origin.
import { isPrivateAddress } from '#upstream'
import type { bodySchemas } from '#config'
import type { Document } from '#store'
import type { Webhook } from './alert-deliveries.ts'
import type { Plane } from './plane.ts'
import type { AlertsView } from './port.ts'
import { Refusal } from './refusal.ts'

type AlertsBody = NonNullable<ReturnType<typeof bodySchemas.settings.parse>['alerts']>
type StoredAlerts = { readonly webhook_url: string; readonly sealed: string; readonly allow_private_network: boolean }

export const alertsName = 'alerts'

const placeOf = (url: string): readonly string[] => ['alerts', new URL(url).origin]

/** undefined: there is none, or its secret cannot be read. */
export function alertWebhook(plane: Plane): Webhook | undefined {
  const { alerts } = plane.declared
  if (alerts !== undefined)
    // What the owner of the machine wrote may be at any address.
    return { url: alerts.webhook_url, secret: alerts.webhook_secret, allowPrivateNetwork: alerts.allow_private_network ?? true }
  const stored = storedAlerts(plane)
  if (stored === undefined) return undefined
  const secret = plane.vault.open(stored.sealed, placeOf(stored.webhook_url))
  return secret === undefined ? undefined : { url: stored.webhook_url, secret, allowPrivateNetwork: stored.allow_private_network }
}

export function alertsView(plane: Plane): AlertsView | null {
  const { alerts } = plane.declared
  const shown = alerts === undefined ? storedAlerts(plane) : { ...alerts, allow_private_network: alerts.allow_private_network ?? true }
  if (shown === undefined) return null
  const { webhook_url: url, allow_private_network: allowed } = shown
  const trouble =
    alertWebhook(plane) === undefined
      ? 'Its secret cannot be read with this master key: nothing is sent. Send webhook_secret again.'
      : undefined
  return { webhook_url: url, allow_private_network: allowed, ...(trouble === undefined ? {} : { trouble }) }
}

/** As it is stored: its secret sealed, or the one that was there for the same origin. */
export function storableAlerts(plane: Plane, body: AlertsBody): Document {
  const { webhook_url: url, webhook_secret: secret, allow_private_network: allowed = false } = body
  const { hostname } = new URL(url)
  if (!allowed && isPrivateAddress(hostname))
    throw new Refusal(
      'invalid_request',
      `alerts.webhook_url is at ${hostname}, a private or loopback address; set allow_private_network to true if the webhook really is in your own network.`,
      'alerts.webhook_url',
    )
  const sealed = secret === undefined ? keptSecret(plane, url) : plane.vault.seal(secret, placeOf(url))
  if (sealed === undefined)
    throw new Refusal(
      'invalid_request',
      'alerts.webhook_secret is missing: what is sent is signed with it, and none is stored for this address. Send 16 characters or more, which the receiver knows too.',
      'alerts.webhook_secret',
    )
  return { webhook_url: url, sealed, allow_private_network: allowed } satisfies StoredAlerts
}

/** As the audit log has it. */
export function toldAlerts({ webhook_url: url, allow_private_network: allowed = false }: AlertsBody): Document {
  return { webhook_url: new URL(url).origin, allow_private_network: allowed }
}

function keptSecret(plane: Plane, url: string): string | undefined {
  const sealed = storedAlerts(plane)?.sealed
  return sealed !== undefined && plane.vault.open(sealed, placeOf(url)) !== undefined ? sealed : undefined
}

function storedAlerts(plane: Plane): StoredAlerts | undefined {
  return plane.stored().settings.get(alertsName)?.value as StoredAlerts | undefined
}
