import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import {
  CLASS,
  DnsError,
  parseDnsName,
  readTsig,
  TYPE,
  wireOfName,
  writeTsig,
  RCODE,
  type DnsName,
  type ReceivedTsig,
} from './proof.ts'
import { WireWriter } from './proof/wire/writer.ts'
import { writeRecord } from './proof/wire/message.ts'

/** Algorithms of TSIG that are built: all others of RFC 8945 section 6 are weaker or truncated. */
export type TsigAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512'

/** A secret that two servers, or a server and a tool, share (RFC 8945). */
export interface TsigKey {
  readonly name: DnsName
  readonly algorithm: TsigAlgorithm
  readonly secret: Uint8Array
}

const hashes: Readonly<Record<TsigAlgorithm, string>> = {
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
}

/** Seconds by which two clocks may differ (RFC 8945 section 10). */
export const TSIG_FUDGE_SECONDS = 300

/** How a message is signed. */
export interface TsigOptions {
  readonly key: TsigKey
  /** ms since the Unix epoch. */
  readonly now: number
  /** In an answer: the MAC of the request, or of the message before (section 5.3). */
  readonly priorMac?: Uint8Array
  /** Later messages of a transfer sign their times alone (section 5.3.1). */
  readonly timersOnly?: boolean
  /** Messages of a transfer that went without a signature since the last one (section 5.3.1). */
  readonly unsignedBefore?: readonly Uint8Array[]
  /** In an answer that says why a request's signature was refused. */
  readonly error?: number
}

/** Adds a TSIG to an encoded message that has none, and gives its MAC as well. */
export function signTsig(
  message: Uint8Array,
  options: TsigOptions,
): { readonly bytes: Uint8Array; readonly mac: Uint8Array } {
  const { key, now, error = 0 } = options
  const time = Math.floor(now / 1_000)
  const variables = {
    algorithm: parseDnsName(key.algorithm),
    time,
    fudge: TSIG_FUDGE_SECONDS,
    originalId: (message[0]! << 8) | message[1]!,
    error,
    // A refused clock is told ours (section 5.2.3).
    other: error === RCODE.BADTIME ? time48(time) : new Uint8Array(),
  }
  const mac = macOf(message, { ...options, variables })
  const writer = new WireWriter()
  writer.raw(message)
  writeRecord(writer, {
    name: key.name,
    type: TYPE.TSIG,
    class: CLASS.ANY,
    ttl: 0,
    data: writeTsig({ ...variables, mac }),
  })
  const additionals = (message[10]! << 8) | message[11]!
  writer.patch16(10, additionals + 1)
  return { bytes: writer.finish(), mac }
}

/**
 * Checks the TSIG of a received message against the keys that are known here.
 * @throws DnsError `tsig`; `tsigError` of the code is in {@link TsigFailure}
 */
export function verifyTsig(
  message: Uint8Array,
  tsig: ReceivedTsig | undefined,
  options: Omit<TsigOptions, 'key' | 'error'> & {
    readonly keys: readonly TsigKey[]
  },
): { readonly key: TsigKey; readonly mac: Uint8Array } {
  if (tsig === undefined) throw new TsigFailure(0, 'it has none')
  const variables = readTsig(tsig.record.data)
  const key = options.keys.find(
    ({ name, algorithm }) => name === tsig.record.name && algorithm === variables.algorithm,
  )
  if (key === undefined) throw new TsigFailure(RCODE.BADKEY, `the key is not known here`)
  const unsigned = Uint8Array.from(message.subarray(0, tsig.offset))
  unsigned[0] = variables.originalId >> 8
  unsigned[1] = variables.originalId & 0xff
  const additionals = ((unsigned[10]! << 8) | unsigned[11]!) - 1
  unsigned[10] = additionals >> 8
  unsigned[11] = additionals & 0xff
  const mac = macOf(unsigned, { ...options, key, variables })
  if (mac.length !== variables.mac.length || !timingSafeEqual(mac, variables.mac)) {
    throw new TsigFailure(RCODE.BADSIG, 'its MAC does not hold', key)
  }
  const off = Math.abs(variables.time - Math.floor(options.now / 1_000))
  if (off > variables.fudge || off > TSIG_FUDGE_SECONDS) {
    throw new TsigFailure(RCODE.BADTIME, `its clock is ${off} s off`, key, mac)
  }
  return { key, mac }
}

/** A TSIG did not hold; `rcode` is its own error code, 0 where there was none. */
export class TsigFailure extends DnsError {
  readonly rcode: number
  /** The key that it claimed, if that is known; an answer may be signed only if the MAC held. */
  readonly key: TsigKey | undefined
  readonly mac: Uint8Array | undefined

  constructor(rcode: number, why: string, key?: TsigKey, mac?: Uint8Array) {
    super('tsig', `Cannot accept the transaction signature: ${why}`)
    this.rcode = rcode
    this.key = key
    this.mac = mac
  }
}

interface Variables {
  readonly algorithm: DnsName
  readonly time: number
  readonly fudge: number
  readonly error: number
  readonly other: Uint8Array
}

/** To import a secret costs as much as its MAC. */
const imported = new WeakMap<TsigKey, KeyObject>()

function importedKey(key: TsigKey): KeyObject {
  const known = imported.get(key)
  if (known !== undefined) return known
  const made = createSecretKey(key.secret)
  imported.set(key, made)
  return made
}

/** What the MAC covers: RFC 8945 section 4.3. */
function macOf(
  message: Uint8Array,
  options: {
    readonly key: TsigKey
    readonly priorMac?: Uint8Array
    readonly timersOnly?: boolean
    readonly unsignedBefore?: readonly Uint8Array[]
    readonly variables: Variables
  },
): Uint8Array {
  const { key, priorMac, unsignedBefore = [], variables } = options
  const hmac = createHmac(hashes[key.algorithm], importedKey(key))
  if (priorMac !== undefined) {
    hmac.update(Uint8Array.of(priorMac.length >> 8, priorMac.length)).update(priorMac)
  }
  for (const earlier of unsignedBefore) hmac.update(earlier)
  hmac.update(message)
  const writer = new WireWriter()
  if (options.timersOnly !== true) {
    writer.raw(wireOfName(key.name))
    writer.u16(CLASS.ANY)
    writer.u32(0)
    writer.raw(wireOfName(variables.algorithm))
  }
  writer.raw(time48(variables.time))
  writer.u16(variables.fudge)
  if (options.timersOnly !== true) {
    writer.u16(variables.error)
    writer.u16(variables.other.length)
    writer.raw(variables.other)
  }
  return Uint8Array.from(hmac.update(writer.finish()).digest())
}

function time48(seconds: number): Uint8Array {
  const writer = new WireWriter()
  writer.u16(Math.floor(seconds / 0x1_0000_0000))
  writer.u32(seconds % 0x1_0000_0000)
  return writer.finish()
}
