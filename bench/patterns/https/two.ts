import {
  connect,
  createSecureServer,
  type ClientHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { OpenPlayer } from '../player.ts'
import { answerTo, openPosting, readAll, tlsOptions, type Post } from './posting.ts'

/** Streams of one connection: RFC 9113, section 6.5.2 recommends that no server allow fewer. */
const STREAMS_MAX = 100

/** HTTP/2 with Node's own client and server: one connection to each process. */
export const openHttps2: OpenPlayer = async (part, take) => {
  const tls = tlsOptions(part)
  const server = createSecureServer(tls.server)
  const serve = async (stream: ServerHttp2Stream, path: string) => {
    const answer = answerTo(path, await readAll(stream), take)
    stream.respond({ ':status': answer === undefined ? 204 : 200 }, { endStream: !answer })
    if (answer !== undefined) stream.end(answer)
  }
  server.on('stream', (stream, headers) => void serve(stream, headers[':path'] ?? ''))
  const sessions = new Map<number, ClientHttp2Session>()
  const sessionTo = (port: number) => {
    let session = sessions.get(port)
    if (session === undefined) {
      session = connect(`https://127.0.0.1:${port}`, tls.client)
      sessions.set(port, session)
    }
    return session
  }
  const post: Post = async (port, path, body) => {
    const stream = sessionTo(port).request({ ':method': 'POST', ':path': path })
    stream.end(body)
    return await readAll(stream)
  }
  return await openPosting(part, {
    server,
    post,
    window: STREAMS_MAX,
    close: async () => {
      for (const session of sessions.values()) session.destroy()
    },
  })
}
