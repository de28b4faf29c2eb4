// Opens the admin API of a home that nobody holds, in this process. A file of its own: most commands ask an instance, and don't load a gateway.
import type { Settings } from '#config'
import { openControl } from '#main'
import type { OpenedHome } from './connection.ts'

export async function openHome(settings: Settings, version: string): Promise<OpenedHome> {
  const { inject, close } = await openControl({ settings, version })
  return {
    send: (path, { method, headers, body }) =>
      inject(path, {
        ...(method === undefined ? {} : { method }),
        ...(headers === undefined ? {} : { headers: headers as Record<string, string> }),
        ...(typeof body === 'string' ? { body } : {}),
      }),
    close,
  }
}
