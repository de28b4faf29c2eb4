// Addresses that are not public are recognised however they are written, and not connected to without permission.
import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { after, before, test } from 'node:test'
import type { Failure } from '#kernel'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import { createNetwork } from './network.ts'
import type { Upstream } from './port.ts'
import { isPrivateAddress, publicLookup } from './private-network.ts'

const words = (text: string): string[] => text.split(/\s+/)

const notPublic = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '[::1]', 'localhost', 'LOCALHOST', 'localhost.', 'api.localhost'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff:ffff::1', 'fec0::1'],
  'link-local': ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '[::]'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: words(`240.0.0.1 255.255.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 2001:db8::1
    100::1 2001::1 3fff::1 4000::1`),
  'with an IPv4 address in it':
    words(`::ffff:127.0.0.1 ::ffff:7f00:1 [::ffff:10.0.0.1] 0:0:0:0:0:ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::169.254.169.254
    64:ff9b::7f00:1 2002:7f00:1:: 2002:c0a8:101::1`),
  'oddly written': ['127.1', '2130706433', '0x7f.0.0.1', '0x7f000001', '0177.0.0.1', '017700000001', '10.1', '127.0.0.1.', '０.0.0.0'],
}

const open = words(`1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
    172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111
    [2a00:1450:4001::200e] 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1 api.openai.com
    localhost.example.com notlocalhost private 10.0.0.1.example.com 134744072`)

test('addresses that are not public are recognised, at the edges of each block and in odd spellings', () => {
  for (const [kind, addresses] of Object.entries(notPublic))
    for (const address of addresses) assert.ok(isPrivateAddress(address), `${address} is ${kind}`)
  for (const address of open) assert.ok(!isPrivateAddress(address), address)
})

let upstream: ScriptedUpstream
let network: Upstream
before(async () => {
  upstream = await createUpstream()
  network = createNetwork()
})
after(async () => {
  await network.close()
  await upstream.close()
})

/** The answer's status, or the failure. */
function ask(origin: string, allowPrivateNetwork: boolean): Promise<number | Failure> {
  return new Promise((resolve) => {
    let status = 0
    network.send(
      { origin, path: '/', method: 'GET', headers: [], body: undefined, connectMs: 2000, allowPrivateNetwork },
      { head: (code) => (status = code), data() {}, end: () => resolve(status), error: resolve },
    )
  })
}

function assertRefused(answer: number | Failure, address: string): void {
  assert.ok(typeof answer === 'object', `answered ${answer as number}`)
  assert.equal(answer.kind, 'private_address')
  assert.match(answer.message, /allow_private_network/)
  assert.match((answer.details.cause as Error).message, new RegExp(address.replaceAll('.', '\\.')))
}

test('a provider without the permission is not connected to a private address, by number or by name, and the reason is said', async () => {
  const connections = upstream.connections
  assertRefused(await ask(upstream.origin, false), '127.0.0.1')
  assertRefused(await ask(`http://localhost:${upstream.port}`, false), 'localhost')
  assertRefused(await ask(`http://[::ffff:127.0.0.1]:${upstream.port}`, false), '::ffff:7f00:1')
  assertRefused(await ask(`https://127.0.0.1:${upstream.port}`, false), '127.0.0.1')
  assert.equal(upstream.connections, connections)
})

test('a connection that another provider may have is not used by one that may not', async () => {
  upstream.enqueue({ body: 'ok' })
  assert.equal(await ask(upstream.origin, true), 200)
  assert.equal(upstream.openConnections, 1)
  assertRefused(await ask(upstream.origin, false), '127.0.0.1')
})

test('the permission is for this network: with it a private address is connected to', async () => {
  upstream.enqueue({ body: 'ok' }, { body: 'ok' })
  assert.equal(await ask(upstream.origin, true), 200)
  assert.equal(await ask(`http://localhost:${upstream.port}`, true), 200)
})

test('the lookup gives public addresses only, in both forms that sockets ask for', async () => {
  const asked = (hostname: string, all: boolean) =>
    new Promise<unknown>((resolve) => publicLookup(hostname, { all }, (error, found) => resolve(error ?? found)))
  for (const all of [true, false]) {
    const error = (await asked('localhost', all)) as NodeJS.ErrnoException
    assert.equal(error.code, 'PRIVATE_ADDRESS')
  }
  // Numbers need no resolver.
  assert.deepEqual(await asked('8.8.8.8', true), [{ address: '8.8.8.8', family: 4 }])
  assert.equal(await asked('8.8.8.8', false), '8.8.8.8')
  assert.equal(((await asked('nothing.invalid', true)) as NodeJS.ErrnoException).syscall, 'getaddrinfo')
})

test('a name that leads to a private address is refused by what it leads to', async (t) => {
  // Every machine knows its own name, and most by a private address.
  const addresses = await lookup(hostname(), { all: true }).catch(() => [])
  if (addresses.length === 0 || !addresses.every(({ address }) => isPrivateAddress(address))) return t.skip('its own name is not private')
  assert.ok(!isPrivateAddress(hostname()), 'by its name alone nobody can tell')
  assertRefused(await ask(`http://${hostname()}:${upstream.port}`, false), addresses[0]!.address)
  assertRefused(await ask(`https://${hostname()}:${upstream.port}`, false), addresses[0]!.address)
})
