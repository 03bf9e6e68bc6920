import type { ServerResponse } from 'node:http'

/** An answer in JSON that nobody keeps. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(text)}`,
    'cache-control': 'no-store',
  })
  response.end(text)
}
