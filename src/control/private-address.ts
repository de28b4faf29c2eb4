// Addresses that no provider on the internet has: loopback, private, link-local and their like.
import { BlockList, isIP } from 'node:net'

const blocked = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  blocked.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  blocked.addSubnet(network, bits, 'ipv6')

/** Of a literal address; false for a name. */
export function isPrivateAddress(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && blocked.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
