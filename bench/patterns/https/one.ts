import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import type { OpenPlayer } from '../player.ts'
import { answerTo, openPosting, readAll, tlsOptions, type Post } from './posting.ts'

/** Connections to one host; RFC 9112, section 9.4 asks for a moderate number. */
const SOCKETS_MAX = 8
/** POST is not repeated safely, so RFC 9112, section 9.3.2 forbids to pipeline it: the rest waits. */
const WINDOW = 64

/**
 * A connection that waits stays open for as long as any scene takes: who closes one just as it is used
 * again breaks off that request (Node, http, `request.reusedSocket`).
 */
const KEEP_ALIVE_MS = 60 * 60 * 1_000

/** HTTPS/1.1 with Node's own client and server, its connections kept alive. */
export const openHttps1: OpenPlayer = async (part, take) => {
  const tls = tlsOptions(part)
  const server = createServer(tls.server)
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const answer = answerTo(incoming.url ?? '', await readAll(incoming), take)
    response.writeHead(answer === undefined ? 204 : 200)
    response.end(answer)
  }
  server.on('request', (...exchange) => void serve(...exchange))
  server.keepAliveTimeout = KEEP_ALIVE_MS
  const agent = new Agent({ ...tls.client, keepAlive: true, maxSockets: SOCKETS_MAX })
  const post: Post = (port, path, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-length': body.length }
      const outgoing = request(
        { agent, host: '127.0.0.1', port, path, method: 'POST', headers },
        (response) => void readAll(response).then(resolve, reject),
      )
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  return await openPosting(part, {
    server,
    post,
    window: WINDOW,
    close: async () => {
      agent.destroy()
      server.closeAllConnections()
    },
  })
}
