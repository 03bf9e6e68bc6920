import { type Challenge, decodeChallenge, type LoginIdentity } from '@ixj/agent/relay'
import { nodeRandom, openNodeVerifier, systemClock } from '@ixj/node'
import type { Identity } from '@ixj/agent'
import { WebSocket } from 'ws'

/** A client of a door that does as it likes. */
export class RawPage {
  readonly socket: WebSocket
  readonly #arrived: Uint8Array[] = []
  #wake = Promise.withResolvers<void>()
  #end: { readonly code: number; readonly reason: string } | undefined
  /** The HTTP status with which it was refused. */
  status: number | undefined

  constructor(
    url: string,
    options: { readonly origin?: string; readonly subprotocols?: string[] } = {},
  ) {
    const { origin, subprotocols = ['ixj.1'] } = options
    this.socket = new WebSocket(url, subprotocols, {
      perMessageDeflate: false,
      ...(origin === undefined ? {} : { origin }),
    })
    this.socket.on('message', (data) => {
      this.#arrived.push(new Uint8Array(data as Buffer))
      this.#changed()
    })
    this.socket.on('unexpected-response', (_request, response) => {
      this.status = response.statusCode
      response.destroy()
      this.#ended(0, '')
    })
    this.socket.on('error', () => this.#changed())
    this.socket.on('close', (code, reason) => this.#ended(code, reason.toString()))
  }

  /** The next frame, whole. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.#arrived.shift()
      if (frame !== undefined) return frame
      if (this.#end !== undefined)
        throw new Error(`It ended: ${this.#end.code} ${this.#end.reason}`)
      await this.#wake.promise
    }
  }

  async challenge(): Promise<Challenge> {
    return decodeChallenge(await this.next())
  }

  /** How it ended. */
  async ended(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.#end === undefined) await this.#wake.promise
    return this.#end
  }

  #ended(code: number, reason: string): void {
    this.#end ??= { code, reason }
    this.#changed()
  }

  #changed(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

/** What an identity logs in with; its clock may be off. */
export function loginOf({ name, signer }: Identity, aheadMs = 0): LoginIdentity {
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  return { name, signer, clock, random: nodeRandom, verifier: openNodeVerifier() }
}
