import { createHmac, timingSafeEqual } from 'node:crypto'
import { concatBytes, type Random } from '@ixj/trust'
import type { Edns, EdnsOption } from '../proof.ts'
import { senderData } from './address-data.ts'
import { COOKIE_AHEAD_SECONDS_MAX, COOKIE_SECONDS_MAX } from './limits.ts'

/** The EDNS option of cookies (RFC 7873 section 4). */
export const COOKIE_OPTION = 10

const CLIENT_BYTES = 8
const SERVER_BYTES = 16
const SERVER_BYTES_MIN = 8
const SERVER_BYTES_MAX = 32
const HASH_BYTES = 8

/** What a query's cookie says. */
export type CookieVerdict = 'none' | 'malformed' | 'unknown' | 'valid'

/**
 * Cookies that show that a sender receives what goes to its address (RFC 7873). The server's part
 * has the layout of RFC 9018 section 4; its hash is HMAC-SHA256, cut, with a secret of this process.
 */
export class Cookies {
  readonly #secret: Uint8Array

  constructor(random: Random) {
    this.#secret = random(32)
  }

  check(edns: Edns | undefined, address: string, now: number): CookieVerdict {
    const cookie = cookieIn(edns)
    if (cookie === undefined) return 'none'
    const serverBytes = cookie.length - CLIENT_BYTES
    if (serverBytes === 0) return 'unknown'
    if (serverBytes < SERVER_BYTES_MIN || serverBytes > SERVER_BYTES_MAX) return 'malformed'
    if (serverBytes !== SERVER_BYTES) return 'unknown'
    const time = Buffer.from(cookie).readUInt32BE(CLIENT_BYTES + 4)
    // RFC 9018 section 4.3: times as serial numbers.
    const age = (Math.floor(now / 1_000) - time) | 0
    if (age > COOKIE_SECONDS_MAX || age < -COOKIE_AHEAD_SECONDS_MAX) return 'unknown'
    const ours = this.#server(cookie.subarray(0, CLIENT_BYTES), address, time)
    return timingSafeEqual(ours, cookie.subarray(CLIENT_BYTES)) ? 'valid' : 'unknown'
  }

  /** The option of an answer: the client's part and a fresh one of ours. */
  option(edns: Edns | undefined, address: string, now: number): readonly EdnsOption[] {
    const cookie = cookieIn(edns)
    if (cookie === undefined) return []
    const client = cookie.slice(0, CLIENT_BYTES)
    const time = Math.floor(now / 1_000) % 0x1_0000_0000
    const data = concatBytes(client, this.#server(client, address, time))
    return [{ code: COOKIE_OPTION, data }]
  }

  #server(client: Uint8Array, address: string, time: number): Uint8Array {
    const front = new Uint8Array(SERVER_BYTES - HASH_BYTES)
    front[0] = 1
    new DataView(front.buffer).setUint32(4, time)
    const hmac = createHmac('sha256', this.#secret)
    const hash = hmac.update(client).update(front).update(senderData(address)).digest()
    return concatBytes(front, hash.subarray(0, HASH_BYTES))
  }
}

function cookieIn(edns: Edns | undefined): Uint8Array | undefined {
  return edns?.options.find(({ code }) => code === COOKIE_OPTION)?.data
}
