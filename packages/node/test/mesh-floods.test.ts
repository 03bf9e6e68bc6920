import type { RPC } from '@libp2p/gossipsub/message'
import { describe, expect, test } from 'vitest'
import {
  CONTROL_PER_SECOND_MAX,
  IDS_PER_CONTROL,
  RPC_IDS_MAX,
  RPC_SUBSCRIPTIONS_MAX,
} from '../src/mesh/limits.ts'
import { besiege, roundTripTo, sendRpc } from './mesh-attackers.ts'
import { MeshBench, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'

const subscribeTo = (from: number, subscribe: boolean): Partial<RPC> => ({
  subscriptions: Array.from({ length: RPC_SUBSCRIPTIONS_MAX }, (_, index) => ({
    topic: wire(`t${from + index}.acme.example`),
    subscribe,
  })),
})
const ids = Array.from({ length: RPC_IDS_MAX }, () => new Uint8Array(32))

/** What an RPC counts, and how it is made. */
const floods = {
  'subscriptions to ever other topics': {
    each: RPC_SUBSCRIPTIONS_MAX,
    make: (index) => subscribeTo(index * RPC_SUBSCRIPTIONS_MAX, true),
  },
  'the same subscriptions, on and off': {
    each: RPC_SUBSCRIPTIONS_MAX,
    make: (index) => subscribeTo(0, index % 2 === 0),
  },
  'questions for messages': {
    each: RPC_IDS_MAX / IDS_PER_CONTROL,
    make: () => ({
      control: { ihave: [], iwant: [{ messageIDs: ids }], graft: [], prune: [], idontwant: [] },
    }),
  },
  'GRAFT of a topic without a right': {
    // Each counts as control, and as one that no peer of ours would send.
    each: 64,
    make: () => ({
      control: {
        ihave: [],
        iwant: [],
        graft: Array.from({ length: 32 }, () => ({ topicID: wire(crew) })),
        prune: [],
        idontwant: [],
      },
    }),
  },
} as const satisfies Record<string, { each: number; make: (index: number) => Partial<RPC> }>

describe('floods of control', () => {
  test.each(Object.entries(floods))(
    '%s: as much as is allowed, and cut at one more',
    async (_, { each, make }) => {
      await using bench = new MeshBench()
      const { victim, raw, gossip } = await besiege(bench, crew)
      const allowed = CONTROL_PER_SECOND_MAX / each
      for (const second of [1, 2]) {
        // Junk topics are kept up to a limit, and count once more past it: half as many pass.
        const sent = each === RPC_SUBSCRIPTIONS_MAX ? Math.floor(allowed / 2) : allowed
        for (let index = 0; index < sent; index++) sendRpc(gossip, make(index))
        await roundTripTo(victim, raw)
        expect(victim.told.disconnections, `in second ${second}`).toEqual([])
        await bench.clock.advance(1_000)
      }
      for (let index = 0; index <= allowed; index++) sendRpc(gossip, make(index))
      await bench.until(() => victim.told.disconnections.length === 1)
      expect(victim.mesh.counts.flooded).toBe(1)
    },
  )

  test('bytes that are no RPC are counted, and cut', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const junk = Uint8Array.of(4, 0xff, 0xff, 0xff, 0xff)
    for (let index = 0; index < CONTROL_PER_SECOND_MAX; index++) gossip.send(junk)
    await roundTripTo(victim, raw)
    expect(victim.told.disconnections).toEqual([])
    expect(victim.mesh.counts.undecodable).toBe(CONTROL_PER_SECOND_MAX)
    gossip.send(junk)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts.flooded).toBe(1)
  })
})
