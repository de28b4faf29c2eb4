// Calls over TLS: whom we trust, and that a handshake is not made twice.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import tls, { type TLSSocket } from 'node:tls'
import { createNetwork } from './network.ts'
import type { Upstream } from './port.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'turnpike-tls-'))
const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
const made = spawnSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  ],
  { stdio: 'ignore' },
)

describe('over TLS', { skip: made.status !== 0 && 'there is no openssl to make a certificate with' }, () => {
  const usual = tls.getCACertificates('default')
  let server: Server
  let network: Upstream
  let connections = 0
  let origin = ''
  const resumed: boolean[] = []

  before(async () => {
    server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      let bytes = 0
      request.on('data', (chunk: Buffer) => (bytes += chunk.length))
      request.on('end', () => {
        resumed.push((request.socket as TLSSocket).isSessionReused())
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.write(`${bytes} bytes `)
        response.end('x'.repeat(100_000))
      })
    })
    server.on('secureConnection', () => connections++)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `https://localhost:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    await network.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    tls.setDefaultCACertificates(usual)
    rmSync(folder, { recursive: true })
  })

  /** The text of the answer, or the kind of the failure. */
  function ask(body: Buffer, host = origin): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      network.send(
        { origin: host, path: '/', method: 'POST', headers: [], body, connectMs: 5000, allowPrivateNetwork: true },
        { head() {}, data: (chunk) => (text += chunk.toString()), end: () => resolve(text), error: ({ kind }) => resolve(kind) },
      )
    })
  }

  test('a certificate that nobody vouches for is refused, and nothing is sent', async () => {
    network = createNetwork()
    assert.equal(await ask(Buffer.from('secret')), 'tls_failed')
    assert.deepEqual(resumed, [])
    await network.close()
  })

  test('a certificate of another name is refused', async () => {
    tls.setDefaultCACertificates([...usual, readFileSync(cert, 'utf8')])
    network = createNetwork()
    assert.equal(await ask(Buffer.from('secret'), origin.replace('localhost', '127.0.0.1')), 'tls_failed')
    assert.deepEqual(resumed, [])
  })

  test('small and large bodies pass, on one connection', async () => {
    connections = 0
    const bodies = [10, 500_000, 0].map((bytes) => Buffer.alloc(bytes))
    for (const body of bodies) {
      const text = await ask(body)
      assert.equal(text, `${body.length} bytes ${'x'.repeat(100_000)}`)
    }
    assert.equal(connections, 1)
  })

  test("a second connection resumes the first one's session", async () => {
    await Promise.all([ask(Buffer.from('a')), ask(Buffer.from('b'))])
    assert.equal(connections, 2)
    assert.equal(resumed.filter(Boolean).length, 1)
  })
})
