import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { extname, join, normalize } from 'node:path'
import { answerOverHttp, type ZoneForwarder } from '@ixj/dns'
import type { Node } from '@ixj/node'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

/** What relays serve a page with. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://127.0.0.1:* http://127.0.0.1:*"

/** An origin: files of a folder, and the door of a node that may be changed or taken away. */
export interface WebPlace extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Whose door is behind `/ixj`; undefined: nobody answers there. */
  node: Node | undefined
  /** Who answers questions about zones at `/dns-query`, as a relay does; undefined: nobody. */
  zones: ZoneForwarder | undefined
  /** Breaks every connection, WebSockets included, without a word. */
  breakAll(): void
}

/** Serves a folder on a free port of loopback, under the policy of relays unless told otherwise. */
export async function openWebPlace(
  folder: string,
  { policy = true }: { readonly policy?: boolean } = {},
): Promise<WebPlace> {
  let behind: Node | undefined
  let zones: ZoneForwarder | undefined
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/dns-query' && zones !== undefined) {
      const forwarder = zones
      return await answerOverHttp(request, response, (query) =>
        forwarder.answer(query, '127.0.0.1'),
      )
    }
    const path = normalize(new URL(request.url ?? '/', 'http://place').pathname)
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    try {
      const bytes = await readFile(file)
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        // Pages of other origins may load the library.
        'access-control-allow-origin': '*',
        ...(policy ? { 'content-security-policy': POLICY } : {}),
      })
      response.end(bytes)
    } catch {
      response.writeHead(404)
      response.end()
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  const sockets = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.on('upgrade', (request, socket, head) => {
    const door = behind?.door
    if (door === undefined) socket.destroy()
    else door.handleUpgrade(request, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    breakAll,
    get node() {
      return behind
    },
    set node(node) {
      behind = node
    },
    get zones() {
      return zones
    },
    set zones(forwarder) {
      zones = forwarder
    },
    [Symbol.asyncDispose]: async () => {
      breakAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
