import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { Agent, request } from 'node:https'
import { isIPv6 } from 'node:net'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { DnsError, MESSAGE_BYTES_MAX } from '../proof.ts'
import { openDeadline } from './deadline.ts'
import { IDLE_MS, STREAM_MS_MAX, STREAM_QUERIES_MAX } from './limits.ts'
import { openTls, type SecurePlace } from './tcp-socket.ts'
import type { Transport } from './transport.ts'

const MEDIA_TYPE = 'application/dns-message'

/** Where a resolver answers over HTTPS. */
export interface HttpsPlace extends SecurePlace {
  /** Begins with `/`. */
  readonly path: string
}

/**
 * Asks over HTTPS (RFC 8484): HTTP/2 over one session, HTTP/1.1 where the server speaks nothing
 * else. Redirections are answers that cannot be used: they would lead to another server.
 */
export class HttpsTransport implements Transport {
  readonly label: string
  readonly #place: HttpsPlace
  readonly #authority: string
  readonly #agent: Agent
  readonly #life = new AbortController()
  #session: ClientHttp2Session | undefined
  #opening: Promise<ClientHttp2Session | undefined> | undefined
  #speaksHttp1 = false
  #waiting = 0

  constructor(place: HttpsPlace) {
    const { address, port, serverName } = place
    const host = serverName ?? (isIPv6(address) ? `[${address}]` : address)
    this.#authority = port === 443 ? host : `${host}:${port}`
    this.#place = place
    this.label = `https://${this.#authority}${place.path} at ${address}`
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, timeout: IDLE_MS })
  }

  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    if (this.#life.signal.aborted) throw this.#unreachable('it is closed')
    if (this.#waiting >= STREAM_QUERIES_MAX) {
      throw this.#unreachable(`${STREAM_QUERIES_MAX} queries wait, the limit`)
    }
    const silent = () => this.#unreachable(`no answer in ${STREAM_MS_MAX} ms`)
    using deadline = openDeadline(signal, { ms: STREAM_MS_MAX, reason: silent })
    this.#waiting++
    try {
      // RFC 8484 section 4.1: an id of 0, so that caches see equal questions as equal.
      const body = Buffer.from(query)
      body.writeUInt16BE(0)
      const answer = await this.#exchange(body, deadline.signal)
      if (answer.length >= 2 && answer[0] === 0 && answer[1] === 0) answer.set(query.subarray(0, 2))
      return answer
    } catch (cause) {
      if (deadline.signal.aborted) throw deadline.signal.reason
      if (cause instanceof DnsError) throw cause
      throw this.#unreachable(cause instanceof Error ? cause.message : String(cause), cause)
    } finally {
      this.#waiting--
    }
  }

  async #exchange(body: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const reused = this.#session
    const session = await this.#current(signal)
    if (session === undefined) return await this.#exchangeOverHttp1(body, signal)
    try {
      return await this.#exchangeOverHttp2(session, body, signal)
    } catch (cause) {
      // The server may have ended an idle session just now; its own refusals are no such end.
      if (session !== reused || cause instanceof DnsError || signal.aborted) throw cause
      this.#forget(session)
      const fresh = await this.#current(signal)
      if (fresh === undefined) return await this.#exchangeOverHttp1(body, signal)
      return await this.#exchangeOverHttp2(fresh, body, signal)
    }
  }

  /** The session; undefined where the server chose HTTP/1.1. Those who wait share one opening. */
  async #current(signal: AbortSignal): Promise<ClientHttp2Session | undefined> {
    if (this.#speaksHttp1) return undefined
    if (this.#session !== undefined && !isOver(this.#session)) return this.#session
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return await Promise.race([this.#opening, aborted(signal)])
  }

  async #open(): Promise<ClientHttp2Session | undefined> {
    const socket = openTls(this.#place, ['h2', 'http/1.1'])
    using deadline = openDeadline(this.#life.signal, {
      ms: STREAM_MS_MAX,
      reason: () => this.#unreachable(`no TLS in ${STREAM_MS_MAX} ms`),
    })
    try {
      await once(socket, 'secureConnect', { signal: deadline.signal })
    } catch (cause) {
      socket.destroy()
      throw cause
    }
    if (this.#life.signal.aborted || socket.alpnProtocol !== 'h2') {
      socket.destroy()
      this.#speaksHttp1 = true
      return undefined
    }
    return (this.#session = this.#sessionOver(socket))
  }

  #sessionOver(socket: TLSSocket): ClientHttp2Session {
    const session = connect(`https://${this.#authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    })
    const forget = () => this.#forget(session)
    session.on('error', forget)
    session.on('goaway', forget)
    session.on('close', forget)
    session.setTimeout(IDLE_MS, forget)
    session.unref()
    return session
  }

  /** No more queries over it; those that wait may still be answered. */
  #forget(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = undefined
    if (!session.closed) session.close()
  }

  async #exchangeOverHttp2(
    session: ClientHttp2Session,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    session.ref()
    const stream: ClientHttp2Stream = session.request(
      {
        ':method': 'POST',
        ':path': this.#place.path,
        accept: MEDIA_TYPE,
        'content-type': MEDIA_TYPE,
        'content-length': body.length,
      },
      { signal },
    )
    stream.on('error', ignoreLate)
    try {
      stream.end(body)
      const [headers] = await once(stream, 'response', { signal })
      const { ':status': status, 'content-type': type } = headers as Record<string, unknown>
      return await this.#readBody(stream, status, type)
    } finally {
      stream.close()
      if (this.#waiting <= 1 && !session.destroyed) session.unref()
    }
  }

  async #exchangeOverHttp1(body: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const { address, port, path, serverName, certificateAuthority } = this.#place
    const outgoing = request({
      agent: this.#agent,
      host: address,
      port,
      path,
      method: 'POST',
      signal,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      headers: {
        host: this.#authority,
        accept: MEDIA_TYPE,
        'content-type': MEDIA_TYPE,
        'content-length': body.length,
      },
    })
    outgoing.on('error', ignoreLate)
    try {
      outgoing.end(body)
      const [incoming] = await once(outgoing, 'response', { signal })
      const { statusCode, headers } = incoming
      return await this.#readBody(incoming, statusCode, headers['content-type'])
    } catch (cause) {
      outgoing.destroy()
      // The next query looks again at what the server speaks.
      this.#speaksHttp1 = false
      throw cause
    }
  }

  async #readBody(stream: Readable, status: unknown, type: unknown): Promise<Uint8Array> {
    if (status !== 200) throw this.#unreachable(`it answered with status ${String(status)}`)
    if (type !== MEDIA_TYPE) throw this.#unreachable(`it answered with ${JSON.stringify(type)}`)
    const parts: Buffer[] = []
    let length = 0
    for await (const part of stream) {
      parts.push(part as Buffer)
      length += (part as Buffer).length
      if (length > MESSAGE_BYTES_MAX) {
        throw this.#unreachable(`it answered with over ${MESSAGE_BYTES_MAX} bytes`)
      }
    }
    return Uint8Array.from(Buffer.concat(parts))
  }

  #unreachable(reason: string, cause?: unknown): DnsError {
    return new DnsError('unreachable', `Cannot reach ${this.label}: ${reason}`, { cause })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort(this.#unreachable('it is closed'))
    this.#agent.destroy()
    await this.#opening?.catch(ignoreLate)
    const session = this.#session
    if (session === undefined || session.destroyed) return
    const gone = once(session, 'close')
    session.destroy()
    await gone
  }
}

function isOver(session: ClientHttp2Session): boolean {
  return session.closed || session.destroyed
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal.reason as Error)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}

/** Whoever waited has its outcome; what an ended exchange says afterwards changes nothing. */
function ignoreLate(): void {}
