import {
  CLASS,
  DnsError,
  type DnsName,
  type Message,
  peekHeader,
  readTsig,
  type Tsig,
  TYPE,
  wireOfName,
  writeTsig,
} from '../proof.ts'
import { writeRecord } from '../proof/wire/message.ts'
import { WireWriter } from '../proof/wire/writer.ts'
import { signTsig, TsigFailure, type TsigKey, verifyTsig } from '../tsig.ts'

/** A request whose signature holds; its answer is signed with the same key. */
export interface Signed {
  readonly kind: 'signed'
  readonly key: TsigKey
  readonly mac: Uint8Array
  /** When its sender signed it, in seconds. */
  readonly time: number
  /** Signs a message that follows on this one. */
  sign(
    message: Uint8Array,
    options: { readonly now: number; readonly timersOnly?: boolean },
  ): { readonly bytes: Uint8Array; readonly mac: Uint8Array }
  /** The same for messages that follow on one with this MAC. */
  after(mac: Uint8Array): Signed
}

/** A request whose signature does not hold. */
export interface Refused {
  readonly kind: 'refused'
  /** BADKEY, BADSIG or BADTIME. */
  readonly rcode: number
  /** What the answer is signed with if the MAC held; else what it repeats, unsigned. */
  readonly by:
    | { readonly key: TsigKey; readonly mac: Uint8Array }
    | { readonly name: DnsName; readonly variables: Tsig }
}

/** Checks the signature of a request that has one (RFC 8945 section 5.2). */
export function verifyRequest(
  packet: Uint8Array,
  { tsig }: Message,
  options: { readonly keys: readonly TsigKey[]; readonly now: number },
): Signed | Refused | { readonly kind: 'malformed' } {
  if (tsig === undefined) throw new Error('Only a request with a TSIG can be checked')
  const variables = variablesOf(tsig.record.data)
  if (variables === undefined || tsig.record.class !== CLASS.ANY) return { kind: 'malformed' }
  try {
    const { key, mac } = verifyTsig(packet, tsig, options)
    return signedBy(key, mac, variables.time)
  } catch (cause) {
    if (!(cause instanceof TsigFailure)) throw cause
    const { rcode, key, mac } = cause
    const isKnown = key !== undefined && mac !== undefined
    const by = isKnown ? { key, mac } : { name: tsig.record.name, variables }
    return { kind: 'refused', rcode, by }
  }
}

function variablesOf(data: Uint8Array): Tsig | undefined {
  try {
    return readTsig(data)
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

function signedBy(key: TsigKey, mac: Uint8Array, time: number): Signed {
  return {
    kind: 'signed',
    key,
    mac,
    time,
    sign: (message, options) => signTsig(message, { key, priorMac: mac, ...options }),
    after: (next) => signedBy(key, next, time),
  }
}

/**
 * The answer to a refused signature: signed if only the clock was wrong, else with an empty MAC
 * (RFC 8945 section 5.3.2).
 */
export function refusedSignature(
  message: Uint8Array,
  { rcode: error, by }: Refused,
  now: number,
): Uint8Array {
  if ('key' in by) return signTsig(message, { key: by.key, now, priorMac: by.mac, error }).bytes
  const writer = new WireWriter()
  writer.raw(message)
  const empty = new Uint8Array()
  const data = writeTsig({ ...by.variables, mac: empty, error, other: empty })
  writeRecord(writer, { name: by.name, type: TYPE.TSIG, class: CLASS.ANY, ttl: 0, data })
  writer.patch16(10, ((message[10]! << 8) | message[11]!) + 1)
  return writer.finish()
}

/** The most bytes that a signature by this key adds to a message. */
export function tsigBytes(key: TsigKey): number {
  const fixed = 10 + 16 + 6
  return wireOfName(key.name).length + key.algorithm.length + 2 + fixed + 64
}

/** The id is not signed: a copy of a request may come with another, and its answer goes with that. */
export function withId(bytes: Uint8Array, id: number): Uint8Array {
  if (peekHeader(bytes).id === id) return bytes
  const copy = Uint8Array.from(bytes)
  copy[0] = id >> 8
  copy[1] = id & 0xff
  return copy
}
