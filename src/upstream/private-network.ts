// Which addresses are not the public internet, and how a provider that may not be there is kept from connecting to one.
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

// IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-, 2026-11), multicast, and
// everything reserved. 169.254.0.0/16 has the metadata services of the clouds.
const blocks4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 ' +
  '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4'
/** Of IPv6 only 2000::/3 is given out; these are the exceptions in it. */
const blocks6 = ['2001::/23', '2001:db8::/32', '3fff::/20', '2620:4f:8000::/48']
/** With an IPv4 address in its last four bytes: mapped, translated by NAT64. In the third to sixth byte: 6to4. */
const mapped = /^(?:0:0:0:0:0:ffff|64:ff9b:0:0:0:0):([0-9a-f]+):([0-9a-f]+)$/
const sixToFour = /^2002:([0-9a-f]+):([0-9a-f]+):/

const list = new BlockList()
const global6 = new BlockList()
for (const block of blocks4.split(' ')) add(list, block, 'ipv4')
for (const block of blocks6) add(list, block, 'ipv6')
add(global6, '2000::/3', 'ipv6')

function add(to: BlockList, block: string, family: 'ipv4' | 'ipv6'): void {
  const [net = '', prefix = ''] = block.split('/')
  to.addSubnet(net, Number(prefix), family)
}

/**
 * True for an address that is not public, however it is written (`127.1`, `0x7f000001`, `[::ffff:7f00:1]`), and for `localhost`. Other
 * names are false: what they lead to is seen when they are resolved.
 */
export function isPrivateAddress(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (isIP(bare) === 6) return isPrivate6(bare)
  // The URL parser knows the spellings that a resolver accepts.
  const name = URL.parse(`http://${bare}/`)?.hostname.replace(/\.$/, '') ?? bare
  if (isIP(name) === 4) return list.check(name, 'ipv4')
  return name === 'localhost' || name.endsWith('.localhost')
}

function isPrivate6(address: string): boolean {
  const groups = expand(address)
  const inside = mapped.exec(groups) ?? sixToFour.exec(groups)
  if (inside !== null) return list.check(dotted(inside[1] ?? '', inside[2] ?? ''), 'ipv4')
  return !global6.check(address, 'ipv6') || list.check(address, 'ipv6')
}

/** All eight groups, without leading zeros. */
function expand(address: string): string {
  const [head = '', tail] = (URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? '').split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before.join(':')
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after].join(':')
}

function dotted(high: string, low: string): string {
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}

export const privateAddress = 'PRIVATE_ADDRESS'

export function privateAddressError(host: string, address: string): Error {
  const where = host === address ? `${host} is` : `${host} leads to ${address},`
  return Object.assign(new Error(`${where} an address of a private network`), { code: privateAddress })
}

/**
 * For sockets that may only lead to public addresses: what was looked at here is what is connected to, so that a name cannot lead
 * elsewhere a moment later. Of several addresses the private ones are left out.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, [])
      return
    }
    const open = addresses.filter(({ address }) => !isPrivateAddress(address))
    const [first] = open
    if (first === undefined) callback(privateAddressError(hostname, addresses[0]?.address ?? ''), [])
    else if (options.all === true) callback(null, open)
    else callback(null, first.address, first.family)
  })
}
