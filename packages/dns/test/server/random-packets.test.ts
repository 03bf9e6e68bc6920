import { expect, test } from 'vitest'
import { decodeMessage, encodeMessage, RCODE, signTsig } from '@ixj/dns'
import { seededRandom } from '../../../../test/world/random.ts'
import { report } from '../../../../test/scoreboard/report.ts'
import { ROW_MS_MAX, scaled } from '../../../../test/scoreboard/scale.ts'
import type { PacketSource } from '../../src/server/packet-handler.ts'
import { makeZone, TEST_KEY } from './made-zone.ts'
import { handlerOf, updateOf } from './packets.ts'
import { queryFor, SIGNED } from './served-zone.ts'

const SEED = 0x9d
const COUNT = scaled(1_000_000)
const PACKET_MS_MAX = 100
const GROWTH_BYTES_MAX = 128 * 1_048_576

const TYPES = ['A', 'TXT', 'SVCB', 'ANY', 'DS', 'NSEC', 'RRSIG', 'DNSKEY', 'AXFR', 'IXFR', 'SOA']
const NAMES = ['z.example', 'a.z.example', 'x.wild.z.example', 'ghost.z.example', 'c.z.example']
const RCODES = new Set<number>(Object.values(RCODE))

test(
  `${COUNT} random and mutated packets get well-formed answers or none (seed ${SEED})`,
  async () => {
    const text = 'a TXT "a"\n*.wild TXT "w"\nc CNAME a\nsub NS ns1\nsub DS 1 15 2 AB'
    await using made = await makeZone('z.example', text)
    const handler = handlerOf([made.store], {
      // Bugs show as errors that are logged, and fail here.
      log: (line) => expect.unreachable(line),
    })
    const random = seededRandom(SEED)
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!
    const byte = () => Math.floor(random() * 256)
    const now = Date.now()
    const seeds = [
      ...TYPES.flatMap((type) =>
        NAMES.map((name) => encodeMessage(queryFor(`${type} ${name}`, SIGNED))),
      ),
      ...NAMES.map((name) => encodeMessage(queryFor(`TXT ${name}`))),
      encodeMessage(
        updateOf('z.example', { changes: ['u 60 IN TXT "u"'], prerequisites: ['a 0 ANY TXT'] }),
      ),
    ]
    const signed = () => signTsig(pick(seeds), { key: TEST_KEY, now }).bytes
    const mutated = (): Uint8Array => {
      const packet = Uint8Array.from(random() < 0.3 ? signed() : pick(seeds))
      for (let flips = 1 + Math.floor(random() * 6); flips > 0; flips--) {
        packet[Math.floor(random() * packet.length)] = byte()
      }
      if (random() < 0.2) return packet.subarray(0, Math.floor(random() * packet.length))
      return packet
    }
    /** Damage that its sender signed: it gets past the signature. */
    const signedDamage = (): Uint8Array => {
      const packet = Uint8Array.from(pick(seeds))
      for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
        packet[12 + Math.floor(random() * (packet.length - 12))] = byte()
      }
      return signTsig(packet, { key: TEST_KEY, now }).bytes
    }
    const noise = () => Uint8Array.from({ length: Math.floor(random() * 300) }, byte)
    const before = process.memoryUsage().rss
    let slowest = 0
    for (let index = 0; index < COUNT; index++) {
      const chance = random()
      const packet = chance < 0.7 ? mutated() : chance < 0.85 ? signedDamage() : noise()
      const transport = pick(['udp', 'tcp', 'https'] as const)
      const source: PacketSource = { transport, address: '192.0.2.1', guarded: random() < 0.1 }
      // The time of this thread alone: other programs on the machine do not count.
      const start = process.threadCpuUsage()
      const reply = handler.handle(packet, source)
      const { user, system } = process.threadCpuUsage(start)
      slowest = Math.max(slowest, (user + system) / 1_000)
      if (reply === undefined) continue
      const bytes =
        reply instanceof Uint8Array
          ? reply
          : reply instanceof Promise
            ? await reply
            : await firstOf(reply)
      const answer = decodeMessage(bytes)
      const isAnswer = answer.response && RCODES.has(answer.rcode) && answer.id === idOf(packet)
      const isSmall = transport !== 'udp' || bytes.length <= 1_232
      if (!isAnswer || !isSmall) {
        throw new Error(
          `Packet ${index}, ${Buffer.from(packet).toString('hex')}, got a wrong answer`,
        )
      }
    }
    const grown = process.memoryUsage().rss - before
    const isFine = slowest < PACKET_MS_MAX && grown < GROWTH_BYTES_MAX
    const row = {
      id: 'A14',
      what: 'random and mutated packets to the DNS server',
      count: isFine ? 0 : 1,
      of: COUNT,
      counted: `that crashed it, held it over ${PACKET_MS_MAX} ms, or grew it by 128 MiB in all`,
      goal: 'none',
    } as const
    expect(report(row)).toBe('met')
  },
  ROW_MS_MAX,
)

function idOf(packet: Uint8Array): number {
  return (packet[0]! << 8) | packet[1]!
}

async function firstOf(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const message of messages) return message
  throw new Error('A transfer without a message')
}
