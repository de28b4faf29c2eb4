// Runs a command cut off from the network, or with a small disk of its own, where this system lets the user do so.
import { spawnSync } from 'node:child_process'

// Root may do it as it is; others need user namespaces, which not every system grants.
const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
const loopbackUp = 'ip link set lo up && exec "$@"'
const smallDisk = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'

/** Before a command: it sees no network but a loopback of its own. */
export const withoutNetwork: readonly string[] = ['unshare', '--net', ...asRoot, 'sh', '-c', loopbackUp, 'sh']

/** Before a command: it joins the namespaces of a process that was started `withoutNetwork`. */
export function besideProcess(pid: number): readonly string[] {
  return ['nsenter', '--target', String(pid), '--net', ...(asRoot.length === 0 ? [] : ['--user', '--preserve-credentials'])]
}

/** Before a command: it alone sees a file system of that size in the folder, which is gone when it ends. */
export function withDisk(folder: string, size: string): readonly string[] {
  return ['unshare', '--mount', ...asRoot, 'sh', '-c', smallDisk, size, folder]
}

/** A path as a process of a test sees it. */
export function seenBy(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`
}

/** A sentence why not, or false. */
export const skipWithoutNetworks = sentence([...withoutNetwork, 'nsenter', '--version'], 'a network of its own for a command')
export const skipWithoutDisks = sentence([...withDisk('/mnt', '1m'), 'true'], 'a disk of its own for a command')

function sentence([command = '', ...words]: readonly string[], what: string): string | false {
  return spawnSync(command, words).status === 0 ? false : `this system does not let this user make ${what}`
}
