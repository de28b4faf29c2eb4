// nginx twice: as the mock provider that costs next to nothing, and as a peer that only forwards.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { start, type Child } from './processes.ts'

/** About 600 bytes, as a small answer is. */
export const mockAnswer = JSON.stringify({
  id: 'chatcmpl-bench0000000000000000000001',
  object: 'chat.completion',
  created: 1_780_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'The first request through a toll road is the one that everybody remembers.',
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: {
    prompt_tokens: 24,
    completion_tokens: 14,
    total_tokens: 38,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  },
  service_tier: 'default',
  system_fingerprint: 'fp_bench',
})

export async function startNginxMock(folder: string, port: number, core: number): Promise<Child> {
  const server = `
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location = /status { stub_status; }
      location / { default_type application/json; return 200 '${mockAnswer}'; }
    }`
  return startNginx(folder, 'mock', port, core, server)
}

/** In front of the mock: so many of a hundred requests get a 500, and the mock never sees them. */
export async function startFaultyMock(folder: string, port: number, core: number, mockPort: number, percent: number): Promise<Child> {
  const server = `
    upstream mock { server 127.0.0.1:${mockPort}; keepalive 256; keepalive_requests 1000000; }
    split_clients $request_id $faulty { ${percent}% 1; * 0; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location / {
        default_type application/json;
        if ($faulty) { return 500 '{"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}'; }
        proxy_pass http://mock;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
      }
    }`
  return startNginx(folder, 'faulty', port, core, server)
}

/** Requests that the mock has answered so far, each of these questions counted too. */
export async function mockRequests(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/status`, { headers: { connection: 'close' } })).text()
  return Number(/^\s*\d+ \d+ (\d+)/m.exec(text)?.[1])
}

export async function startNginxProxy(folder: string, port: number, core: number, mockPort: number): Promise<Child> {
  const server = `
    upstream provider { server 127.0.0.1:${mockPort}; keepalive 256; keepalive_requests 1000000; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location / {
        proxy_pass http://provider;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
      }
    }`
  return startNginx(folder, 'proxy', port, core, server)
}

async function startNginx(folder: string, name: string, port: number, core: number, server: string): Promise<Child> {
  const home = path.join(folder, `nginx-${name}`)
  for (const sub of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(path.join(home, sub), { recursive: true })
  const config = path.join(home, 'nginx.conf')
  writeFileSync(
    config,
    `
  worker_processes 1;
  daemon off;
  pid ${home}/nginx.pid;
  error_log stderr warn;
  events { worker_connections 8192; }
  http {
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_max_body_size 64m;
    client_body_buffer_size 512k;
    client_body_temp_path ${home}/body;
    proxy_temp_path ${home}/proxy;
    fastcgi_temp_path ${home}/fastcgi;
    uwsgi_temp_path ${home}/uwsgi;
    scgi_temp_path ${home}/scgi;
    ${server}
  }`,
  )
  return start('nginx', ['-p', home, '-c', config, '-e', 'stderr'], { core, port, logPath: path.join(folder, `nginx-${name}.log`) })
}
