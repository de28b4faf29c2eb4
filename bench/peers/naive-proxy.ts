// The naive proxy, the yardstick of every ratio: node:http in, JSON.parse and JSON.stringify of the request, undici dispatch out.
// It knows no key, no limit, no price and no record. Usage: node naive-proxy.ts PORT PROVIDER_ORIGIN
import { createServer } from 'node:http'
import { Pool } from 'undici'

const [port, origin] = process.argv.slice(2)
if (port === undefined || origin === undefined) throw new Error('usage: node naive-proxy.ts PORT PROVIDER_ORIGIN')
const pool = new Pool(origin, { pipelining: 1, keepAliveTimeout: 60_000 })

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    pool.dispatch(
      {
        path: request.url ?? '/',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer sk-provider' },
        body,
      },
      {
        onRequestStart() {},
        onResponseStart(controller, status, headers) {
          response.writeHead(status, headers)
          response.on('drain', () => controller.resume())
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause()
        },
        onResponseEnd() {
          response.end()
        },
        onResponseError() {
          if (response.headersSent) response.destroy()
          else response.writeHead(502).end()
        },
      },
    )
  })
})
server.listen(Number(port), '127.0.0.1', 4096)
process.once('SIGTERM', () => process.exit(0))
