// Opens the admin API of a home that nobody holds, in this process.
import type { Settings } from '#config'
import { NotRunning } from './admin-client.ts'
import { reachableHost, type OpenedHome } from './connection.ts'

export async function openHome({ host, port }: Settings): Promise<OpenedHome> {
  throw new NotRunning(`No turnpike answers at http://${reachableHost(host)}:${port}. Start it with: turnpike up`)
}
