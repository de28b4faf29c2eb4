// How an answer ends that cannot be finished: the client may read its last word, and a client that reads nothing more is let go.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Answer } from './answer.ts'

/** A response to a client that has asked and reads nothing. */
async function unread(context: TestContext): Promise<ServerResponse> {
  const server = createServer().listen(0, '127.0.0.1')
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  client.on('error', () => {})
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  context.after(() => {
    client.destroy()
    server.close()
  })
  const [, response] = await asked
  return response
}

test('a client that has stopped reading keeps its socket half a minute after its answer was cut, and no longer', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const response = await unread(context)
  const { socket } = response
  const answer = new Answer(response)
  answer.head(200, ['content-type', 'text/plain'])
  // More than the buffers of both ends of a socket hold.
  answer.write(Buffer.alloc(32 << 20))
  answer.cut('the last word')
  context.mock.timers.tick(250)
  context.mock.timers.tick(29_999)
  assert.equal(socket!.destroyed, false)
  context.mock.timers.tick(1)
  assert.equal(socket!.destroyed, true)
})
