// Where alerts go: a webhook, and the secret that its deliveries are signed with.
import { z } from 'zod'
import { text } from './schema-words.ts'

const fields = {
  webhook_url: text(4096).refine(
    isWebhookUrl,
    'is not an http or https address without a user and fragment, such as https://ops.example.com/alerts',
  ),
  webhook_secret: text(4096)
    .min(16, 'has fewer than 16 characters: too easy to guess')
    .regex(/^[!-~]+$/, 'contains white space or characters beyond ASCII'),
  allow_private_network: z.boolean().optional(),
}

export const alerts = z.strictObject(fields)
/** Where a secret may be stored already: without it that one stays. */
export const alertsBody = z.strictObject({ ...fields, webhook_secret: fields.webhook_secret.optional() })

export type DeclaredAlerts = z.infer<typeof alerts>

function isWebhookUrl(written: string): boolean {
  const parsed = URL.parse(written)
  return (
    parsed !== null &&
    (parsed.protocol === 'http:' || parsed.protocol === 'https:') &&
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.hash === ''
  )
}
