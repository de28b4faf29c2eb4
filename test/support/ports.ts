// Ports that fail in a known way: one that refuses every connection, one that never answers the handshake.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

export type FailingPort = { readonly port: number; readonly origin: string; close(): Promise<void> }

/** Connections to it are refused until `close`: it is the local end of a connection, so nobody else can listen there meanwhile. */
export async function refusedPort(): Promise<FailingPort> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const holder = connect(address.port, '127.0.0.1')
  await once(holder, 'connect')
  const [other] = await accepted
  const port = holder.localPort
  if (port === undefined) throw new Error('no local port')
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async close() {
      holder.destroy()
      other.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const sleepingListener = `
const { createServer } = require('node:net')
const { parentPort, workerData } = require('node:worker_threads')
const server = createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
})`

/**
 * Connections to it neither succeed nor fail: its listener sleeps and its backlog is full. Linux only, where a full backlog drops
 * the handshake (elsewhere the connection may be refused).
 */
export async function silentPort(): Promise<FailingPort> {
  const lock = new SharedArrayBuffer(4)
  const worker = new Worker(sleepingListener, { eval: true, workerData: lock })
  const [port] = (await once(worker, 'message')) as [number]
  // A backlog of 1 holds two finished handshakes.
  const fillers = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all(fillers.map((socket) => once(socket, 'connect')))
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async close() {
      for (const socket of fillers) socket.on('error', () => {}).destroy()
      Atomics.store(new Int32Array(lock), 0, 1)
      Atomics.notify(new Int32Array(lock), 0)
      await worker.terminate()
    },
  }
}
