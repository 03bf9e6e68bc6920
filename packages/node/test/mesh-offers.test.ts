import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { Asking } from '../src/mesh/asking.ts'
import { emptyCounts } from '../src/mesh/counts.ts'
import { ASKED_MS, OFFERED_IDS_MAX, RPC_IDS_MAX } from '../src/mesh/limits.ts'
import { messageId } from '../src/mesh/wire-topic.ts'
import { besiege, messageOn, openMember, type Raw, roundTripTo, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'

describe('what a neighbour offers', () => {
  const asked = ({ received }: Raw) =>
    received
      .flatMap(({ control }) => control?.iwant ?? [])
      .flatMap(({ messageIDs }) => messageIDs)
      .map((id) => Buffer.from(id))

  test('is asked for later, and only what has not come by then', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    const idOf = (text: string) => messageId(crew, bytesOf(text))
    member.offers(['lost', 'late'].map(idOf))
    await roundTripTo(victim, member.raw)
    await bench.clock.advance(ASKED_MS - 1)
    sendRpc(gossip, messageOn(crew, 'late'))
    await bench.until(() => victim.told.messages.length === 1)
    await roundTripTo(victim, member.raw)
    expect(asked(member.raw)).toEqual([])
    await bench.clock.advance(1)
    await bench.until(() => asked(member.raw).length > 0)
    expect(asked(member.raw)).toEqual([Buffer.from(idOf('lost'))])
  })

  test('is asked for at once where it is more than is waited for', async () => {
    await using bench = new MeshBench()
    const { victim } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    const ids = Array.from({ length: OFFERED_IDS_MAX + 1 }, (_, index) =>
      messageId(crew, bytesOf(`offered ${index}`)),
    )
    for (let from = 0; from < ids.length; from += RPC_IDS_MAX) {
      member.offers(ids.slice(from, from + RPC_IDS_MAX))
    }
    await bench.until(() => asked(member.raw).length > 0)
    expect(asked(member.raw)).toEqual([Buffer.from(ids.at(-1) ?? [])])
    await bench.passOn()
    await bench.until(() => asked(member.raw).length === ids.length)
  })

  test('is asked for by nobody who has ended', async () => {
    const clock = new ManualClock()
    const dealtWith: string[] = []
    // What is used of gossipsub.
    const gossip = {
      msgIdToStrFn: (id: Uint8Array) => String(id[0]),
      seenCache: { has: () => false },
      handleIHave: () => [],
      handleControlMessage: async (peer: string) => void dealtWith.push(peer),
    } as unknown as ConstructorParameters<typeof Asking>[1]
    const offered = [{ topicID: wire(crew), messageIDs: [Uint8Array.of(1)] }]
    const asking = new Asking({ clock, counts: emptyCounts(), waitMs: ASKED_MS }, gossip)
    gossip.handleIHave('before', offered)
    await clock.advance(ASKED_MS)
    gossip.handleIHave('after', offered)
    asking.end()
    await clock.advance(ASKED_MS)
    expect(dealtWith).toEqual(['before'])
  })
})
