// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { isBinding, isGrant, SKEW_MS, VerifiedTrees } from '@ixj/trust'
import { expect } from 'vitest'
import { makeBundle, partOf, type MadeBundle } from '../../../../test/world/made-bundle.ts'
import { trustBooks } from '../../../../test/world/trust-books.ts'
import { ownAnchor } from '../../../../test/world/world.ts'
import { openUsedApprovals } from '../../src/approvals/used-approvals.ts'
import { IntakeLoad } from '../../src/host/intake-load.ts'
import { memoryStore } from '../../src/host/store.ts'
import { Topics } from '../../src/host/topics.ts'
import {
  PARKED_BUNDLES_MAX,
  INTAKE_BUNDLES_MAX,
  REPLAY_EPOCHS_MAX,
  REPLAY_LANES_MAX,
  REPLAY_WINDOW,
} from '../../src/limits.ts'
import { KeptFreshness } from '../../src/pipeline/kept-freshness.ts'
import { ChainCache } from '../../src/pipeline/chain-cache.ts'
import { ClockOffsets } from '../../src/pipeline/clock-offset.ts'
import type { Trace } from '../../src/pipeline/context.ts'
import { judge } from '../../src/pipeline/pipeline.ts'
import { ruleTable } from '../../src/pipeline/policy.ts'
import { Budget } from '../../src/pipeline/rate.ts'
import { NO_JOURNAL } from '../../src/pipeline/replay-journal.ts'
import { ReplayTable } from '../../src/pipeline/replay.ts'
import { StateTable } from '../../src/pipeline/state-table.ts'
import { TaskGate } from '../../src/tasks/task-gate.ts'
import { SEEN_MS } from '../../src/transport.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  carryAt,
  CREW,
  DESK,
  expectRefused,
  grantOn,
  NODE,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { inScene, type Rows } from './row.ts'

/** What a pipeline reads and asks that has met nobody yet. */
async function contextOf(scene: Scene, made: MadeBundle) {
  const { world, acme } = scene
  const now = world.clock.now()
  return {
    node: NODE,
    ownOrganisation: acme.name,
    clock: world.clock,
    verifier: world.verifier,
    hash: nodeSha256,
    trust: trustBooks([ownAnchor(acme)], world).trust,
    policy: ruleTable(),
    generation: () => 0,
    replay: new ReplayTable(),
    states: new StateTable(),
    offsets: new ClockOffsets(NODE),
    chains: new ChainCache(
      () => false,
      () => 0,
    ),
    freshness: new KeptFreshness(),
    trees: new VerifiedTrees('bundle-tree'),
    usedApprovals: await openUsedApprovals(memoryStore(), NODE, now),
    hostOf: () => undefined,
    carries: () => false,
    tasks: new TaskGate(new Topics()),
    enter: () => () => {},
    takes: () => true,
    opened: () => 'inbox' as const,
    material: async () => {
      const { statements } = made.proof
      return { bindings: statements.filter(isBinding), grants: statements.filter(isGrant) }
    },
    strangers: () => new Budget(10, now),
    opening: () => ({ keys: [], secrets: noSecrets, hash: nodeSha256 }),
    grantBudget: () => new Budget(10, now),
    journal: NO_JOURNAL,
    checkWritable: () => {},
    awaits: () => false,
    asked: () => false,
  }
}

/** Nothing is sealed in what these rows send. */
const noSecrets = {
  openMessages: () => Promise.reject(new Error('no secret was expected to be needed')),
}

/** What the host's place, clock, tables and neighbours decide. */
export const placeRows = {
  'not-hosted': [
    inScene('leaves alone what comes on the node’s inbox for a name elsewhere', async (scene) => {
      const other = await makeBundle(scene.world, scene.ann, 'bob.acme.example')
      await expectRefused(scene, 'not-hosted', other, { on: NODE })
    }),
    inScene('leaves alone a group’s bundle that comes on the node’s inbox', async (scene) => {
      const genuine = await annsBundle(scene, CREW)
      await expectRefused(scene, 'not-hosted', genuine, { on: NODE, genuine })
    }),
  ],
  lifespan: [
    inScene('leaves a bundle past its lifespan alone, to the millisecond', async (scene) => {
      const { world } = scene
      // The first tells that the sender's clock is 1 ms off at most: what the way took.
      expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(ACCEPTED)
      scene.deskInbox.drain()
      const sentAt = world.clock.now()
      const until = sentAt + 5_000 + 1
      const changes = { sentAt, lifespanMs: 5_000 }
      const onTime = await annsBundle(scene, DESK, { ...changes, first: 2 })
      const late = await annsBundle(scene, DESK, { ...changes, first: 3 })
      expect(await carryAt(scene, onTime, until)).toEqual(ACCEPTED)
      scene.deskInbox.drain()
      expect(await carryAt(scene, late, until + 1)).toEqual(refusedAs('lifespan'))
      expect(scene.deskInbox.size).toBe(0)
    }),
  ],
  future: [
    inScene('leaves a sentAt beyond the skew alone', async (scene) => {
      const sentAt = scene.world.clock.now() + SKEW_MS + 1_000
      await expectRefused(scene, 'future', await annsBundle(scene, DESK, { sentAt }))
    }),
    inScene('leaves an epoch beyond the skew alone', async (scene) => {
      const epoch = scene.world.clock.now() + SKEW_MS + 1_000
      await expectRefused(scene, 'future', await annsBundle(scene, DESK, { epoch }))
    }),
    inScene('accepts a sentAt and an epoch within the skew', async (scene) => {
      const ahead = scene.world.clock.now() + SKEW_MS
      const made = await annsBundle(scene, DESK, { sentAt: ahead, epoch: ahead })
      expect(await carry(scene, made)).toEqual(ACCEPTED)
    }),
  ],
  duplicate: [
    inScene('leaves a second copy alone when gossip has forgotten the first', async (scene) => {
      const made = await annsBundle(scene, DESK, { lifespanMs: 600_000 })
      expect(await carry(scene, made)).toEqual(ACCEPTED)
      scene.deskInbox.drain()
      await scene.world.pass(SEEN_MS + 1)
      const genuine = await annsBundle(scene, DESK, { first: 2 })
      await expectRefused(scene, 'duplicate', made, { genuine })
    }),
  ],
  superseded: [
    inScene('leaves an older state alone', async (scene) => {
      const epoch = scene.world.clock.now()
      const state = { class: 'state', lifespanMs: 2_000, epoch } as const
      const older = await annsBundle(scene, CREW, { ...state, first: 1 })
      const newer = await annsBundle(scene, CREW, { ...state, first: 2 })
      expect(await carry(scene, newer)).toEqual(ACCEPTED)
      scene.crewInbox.drain()
      const newest = await annsBundle(scene, CREW, { ...state, first: 3 })
      await expectRefused(scene, 'superseded', older, { genuine: newest })
    }),
  ],
  equivocation: [
    inScene('leaves a second bundle for one place alone, and keeps evidence', async (scene) => {
      const epoch = scene.world.clock.now()
      const one = await annsBundle(scene, DESK, { epoch, first: 1 })
      const other = await annsBundle(scene, DESK, { epoch, first: 1 })
      expect(await carry(scene, one)).toEqual(ACCEPTED)
      scene.deskInbox.drain()
      expect(scene.node.host.evidence).toEqual([])
      expect(await carry(scene, other)).toEqual(refusedAs('equivocation'))
      expect(scene.deskInbox.size).toBe(0)
      expect(scene.node.host.evidence).toMatchObject([
        { ids: [one.bundle.idText, other.bundle.idText] },
      ])
    }),
    inScene('sees an overlap of longer bundles', async (scene) => {
      const epoch = scene.world.clock.now()
      const three = ['a', 'b', 'c'].map((body) => partOf(scene.world, body))
      const one = await annsBundle(scene, DESK, { epoch, first: 1, parts: three })
      const other = await annsBundle(scene, DESK, { epoch, first: 3 })
      expect(await carry(scene, one)).toEqual(ACCEPTED)
      expect(await carry(scene, other)).toEqual(refusedAs('equivocation'))
    }),
  ],
  equivocator: [
    inScene('leaves everything of a key alone that was caught, and no other key', async (scene) => {
      const epoch = scene.world.clock.now()
      await carry(scene, await annsBundle(scene, DESK, { epoch, first: 1 }))
      await carry(scene, await annsBundle(scene, DESK, { epoch, first: 1 }))
      scene.deskInbox.drain()
      const bob = await scene.world.bind(scene.acme, 'bob.acme.example', {
        grants: [{ actions: ['publish'], topics: [DESK] }],
      })
      const genuine = await makeBundle(scene.world, bob, DESK, { under: grantOn(bob, DESK) })
      await expectRefused(scene, 'equivocator', await annsBundle(scene, CREW), { genuine })
    }),
  ],
  'out-of-window': [
    inScene('leaves an epoch alone that newer ones of its sender have ended', async (scene) => {
      const now = scene.world.clock.now()
      for (let epoch = now; epoch <= now + REPLAY_EPOCHS_MAX; epoch++) {
        expect(await carry(scene, await annsBundle(scene, DESK, { epoch, first: 1 }))).toEqual(
          ACCEPTED,
        )
      }
      scene.deskInbox.drain()
      const old = await annsBundle(scene, DESK, { epoch: now, first: 2 })
      expect(await carry(scene, old)).toEqual(refusedAs('out-of-window'))
      expect(scene.deskInbox.size).toBe(0)
      const second = await annsBundle(scene, DESK, { epoch: now + 1, first: 2 })
      expect(await carry(scene, second)).toEqual(ACCEPTED)
    }),
    {
      does: 'leaves places alone that the window has moved past, and counts what it holds',
      run: async () => {
        const replay = new ReplayTable()
        const place = (first: number) => ({
          key: 'k',
          lane: 'lane',
          epoch: 1,
          stream: 'lane|1',
          first,
          count: 1,
          id: `${first}`,
          forgetAt: 1,
        })
        for (let first = 1; first < REPLAY_WINDOW + 12; first++) replay.write(place(first))
        expect(replay.size).toBe(REPLAY_WINDOW)
        expect(() => replay.checkEarly(place(1))).toThrow(
          expect.objectContaining({ code: 'out-of-window' }),
        )
        expect(() => replay.checkEarly(place(REPLAY_WINDOW))).toThrow(
          expect.objectContaining({ code: 'duplicate' }),
        )
      },
    },
  ],
  'table-full': [
    inScene('takes no new stream into a full table, and evicts none', async (scene) => {
      const { world } = scene
      const replay = new ReplayTable()
      const now = world.clock.now()
      const place = { key: 'k', epoch: 1, first: 1, count: 1, id: 'x', forgetAt: now + 1 }
      for (let index = 0; index < REPLAY_LANES_MAX; index++) {
        replay.write({ ...place, lane: `${DESK}|w.p${index}.example|k|event`, stream: `${index}` })
      }
      const made = await annsBundle(scene, DESK)
      const context = { ...(await contextOf(scene, made)), replay }
      const carrier = { topic: DESK, from: 'raw' }
      await expect(judge(made.bytes, carrier, context, {})).rejects.toMatchObject({
        code: 'table-full',
      })
      expect(replay.size).toBe(REPLAY_LANES_MAX)
      replay.sweep(now + 2)
      expect((await judge(made.bytes, carrier, context, {})).bundle.idText).toBe(made.bundle.idText)
    }),
  ],
  overloaded: [
    inScene('refuses state before events, and events before tasks', async (scene) => {
      const load = new IntakeLoad()
      const { world } = scene
      const junk = { priority: 3, bytes: 1_000, from: 'flooder' } as const
      const leaving = Array.from({ length: INTAKE_BUNDLES_MAX * 0.7 }, () =>
        load.enter({ ...junk, kind: 'task' }),
      )
      const state = await annsBundle(scene, DESK, { class: 'state' })
      const event = await annsBundle(scene, DESK)
      const outcome = async (made: MadeBundle, from: string) => {
        const { header, bytes } = made.bundle
        const enter = () =>
          load.enter({ kind: header.class, priority: 1, bytes: bytes.length, from })
        const context = { ...(await contextOf(scene, made)), enter }
        const trace: Trace = {}
        try {
          await judge(made.bytes, { topic: DESK, from }, context, trace)
          return 'accepted'
        } catch (cause) {
          return (cause as { readonly code: string }).code
        } finally {
          trace.leave?.()
        }
      }
      expect([await outcome(state, 'flooder'), await outcome(event, 'flooder')]).toEqual([
        'overloaded',
        'accepted',
      ])
      // Who takes no more than an equal part is heard, whatever others claim.
      expect(await outcome(state, 'neighbour')).toBe('accepted')
      for (const leave of leaving) leave()
      expect(await outcome(state, 'flooder')).toBe('accepted')
      expect([load.waiting, ...load.shed]).toEqual([0, ['state', 1]])
      await world.pass(1)
    }),
  ],
  'proof-missing': [
    inScene('waits 2 s for a proof, then leaves the bundle alone', async (scene) => {
      const bob = await scene.world.bind(scene.acme, 'bob.acme.example')
      const made = await makeBundle(scene.world, bob, DESK)
      await expect(carry(scene, made, { proved: false, waitMs: 1_990 })).rejects.toThrow(
        '0 decisions',
      )
      await scene.world.pass(20)
      const [decision] = scene.decisions.drain()
      expect(decision).toMatchObject({ code: 'proof-missing', verdict: 'ignore' })
      expect(scene.node.transport.blame(scene.raw.peer)).toBe(0)
      expect(scene.raw.frames.filter(({ kind }) => kind === 'fetch')).toHaveLength(1)
    }),
    inScene('takes the bundle whose proof comes within the wait', async (scene) => {
      const made = await annsBundle(scene, DESK)
      await expect(carry(scene, made, { proved: false, waitMs: 1_900 })).rejects.toThrow(
        '0 decisions',
      )
      await scene.raw.prove(NODE, made.proof)
      await scene.world.pass(20)
      expect(scene.decisions.drain()).toMatchObject([{ code: null, verdict: 'accept' }])
      expect(scene.deskInbox.size).toBe(1)
    }),
  ],
  'parking-full': [
    inScene(
      'parks 1,024 bundles of a neighbour and leaves the next alone at once',
      async (scene) => {
        const { world, raw } = scene
        const bob = await world.bind(scene.acme, 'bob.acme.example')
        // Crew, since strangers have a limit of their own on inboxes.
        for (let index = 0; index < PARKED_BUNDLES_MAX; index++) {
          const made = await makeBundle(world, bob, CREW, { proof: world.bytes(32) })
          await raw.transport.publish(CREW, made.bytes)
        }
        await world.pass(20)
        const last = await makeBundle(world, bob, CREW, { proof: world.bytes(32) })
        await expectRefused(scene, 'parking-full', last)
        expect(scene.node.host.counts.get('parking-full')).toBe(1)
      },
    ),
    inScene('parks 1 MiB of a neighbour', async (scene) => {
      const { world, raw } = scene
      const parts = [partOf(world, 'x', { body: new Uint8Array(60_000) })]
      for (let index = 0; index < 18; index++) {
        const made = await makeBundle(world, scene.ann, CREW, { parts, proof: world.bytes(32) })
        await raw.transport.publish(CREW, made.bytes)
      }
      await world.pass(20)
      expect(scene.node.host.counts.get('parking-full')).toBe(1)
    }),
  ],
  rate: [
    inScene('checks 10 strangers a second through one neighbour', async (scene) => {
      const { world, acme } = scene
      const codes: string[] = []
      for (let index = 0; index < 11; index++) {
        const stranger = await world.bind(acme, `s${index}.acme.example`)
        const made = await makeBundle(world, stranger, DESK)
        await scene.raw.prove(NODE, made.proof)
        await scene.raw.transport.publish(DESK, made.bytes)
      }
      await world.pass(20)
      for (const { code, about } of scene.decisions.drain()) {
        if (about === 'bundle') codes.push(code ?? 'accepted')
      }
      expect(codes.toSorted()).toEqual([...Array<string>(10).fill('policy'), 'rate'])
      expect(scene.node.transport.blame(scene.raw.peer)).toBe(0)
      await world.pass(1_000)
      const late = await makeBundle(world, await world.bind(acme, 's99.acme.example'), DESK)
      expect((await carry(scene, late)).code).toBe('policy')
      // Those with a grant are not strangers.
      expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(ACCEPTED)
    }),
  ],
} satisfies Rows
