import {
  CLASS,
  decodeMessage,
  type DnsRecord,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  OPCODE,
  parseRecord,
  signTsig,
  TYPE,
  type TsigKey,
} from '@ixj/dns'
import { Cookies } from '../../src/server/cookies.ts'
import { newCounters } from '../../src/server/counters.ts'
import {
  PacketHandler,
  type PacketHandlerOptions,
  type PacketSource,
} from '../../src/server/packet-handler.ts'
import { RateLimiter } from '../../src/server/rate-limiter.ts'
import { rightsByKey, type UpdatePolicy } from '../../src/server/update-policy.ts'
import type { ZoneStore } from '../../src/server/zone-store.ts'
import { named, TEST_KEY } from './made-zone.ts'

/** A packet handler of zones; the test key may change and copy all of them. */
export function handlerOf(
  zones: readonly ZoneStore[],
  options: Partial<PacketHandlerOptions> & { readonly policies?: readonly UpdatePolicy[] } = {},
): PacketHandler {
  const all = zones.map(({ zone }) => ({ key: TEST_KEY.name, names: [zone, `**.${zone}`] }))
  return new PacketHandler({
    zones: new Map(zones.map((store) => [store.zone, store])),
    keys: [TEST_KEY],
    rights: rightsByKey(options.policies ?? all),
    transferKeys: new Set([TEST_KEY.name]),
    counters: newCounters(),
    limiter: new RateLimiter({ random: (length) => new Uint8Array(length) }),
    cookies: new Cookies((length) => new Uint8Array(length).fill(7)),
    now: Date.now,
    log: (line) => {
      throw new Error(line)
    },
    ...options,
  })
}

/** A sender on loopback, where no limits apply. */
export const NEAR: PacketSource = { transport: 'udp', address: '127.0.0.1', guarded: false }
/** A sender whose address may be forged. */
export const FAR: PacketSource = { transport: 'udp', address: '192.0.2.1', guarded: true }

let ids = 1

/** An update message; `lines` as {@link updateRecord} reads them. */
export function updateOf(
  zone: string,
  lines: { readonly prerequisites?: readonly string[]; readonly changes?: readonly string[] },
): Message {
  const records = (texts: readonly string[] = []) => texts.map((text) => updateRecord(zone, text))
  return {
    ...EMPTY_MESSAGE,
    // As clients do: two updates that say the same in one second are still two.
    id: ids++ & 0xffff,
    opcode: OPCODE.UPDATE,
    questions: [{ name: named(zone), type: TYPE.SOA, class: CLASS.IN }],
    answers: records(lines.prerequisites),
    authorities: records(lines.changes),
  }
}

/**
 * `NAME TTL IN TYPE DATA` of a zone file, the data also as `hex:0A0B`; or with class `ANY` or
 * `NONE`, and no data where the form has none: `NAME 0 ANY TYPE`.
 */
function updateRecord(zone: string, text: string): DnsRecord {
  const [name = '', ttl, kind, type, ...words] = text.split(' ')
  const owner = name === '@' ? zone : name.endsWith('.') ? name : `${name}.${zone}`
  return {
    name: named(owner),
    type: TYPE[type as keyof typeof TYPE],
    class: CLASS[kind as keyof typeof CLASS],
    ttl: Number(ttl),
    data: dataOf(zone, { type: type!, text: words.join(' ') }),
  }
}

function dataOf(zone: string, { type, text }: { type: string; text: string }): Uint8Array {
  if (text === '') return new Uint8Array()
  if (text.startsWith('hex:')) return Uint8Array.from(Buffer.from(text.slice(4), 'hex'))
  return parseRecord(`${zone}. 0 IN ${type} ${text}`, { origin: named(zone) }).data
}

/** What a handler answers to a message, signed by this key. */
export async function sendSigned(
  handler: PacketHandler,
  message: Message,
  options: { readonly key?: TsigKey; readonly now?: number; readonly source?: PacketSource } = {},
): Promise<Message> {
  const { key = TEST_KEY, now = Date.now(), source = NEAR } = options
  return await answerOf(handler, signTsig(encodeMessage(message), { key, now }).bytes, source)
}

/** What a handler answers to a packet. */
export async function answerOf(
  handler: PacketHandler,
  packet: Uint8Array,
  source = NEAR,
): Promise<Message> {
  const reply = await handler.handle(packet, source)
  if (!(reply instanceof Uint8Array)) throw new Error('There was no answer of one message')
  return decodeMessage(reply)
}
