import type { AuditRecord, BundleRecord } from '@ixj/audit'
import { describe, expect, it } from 'vitest'
import { LogBench } from '../../../test/world/log-bench.ts'
import { makeBundle } from '../../../test/world/made-bundle.ts'
import {
  approvalsOf,
  approveBy,
  makeApproved,
  toApprove,
} from '../../../test/world/made-approval.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../test/world/made-statement.ts'
import { name } from '../../../test/world/world.ts'
import { LOG_RETRY_MS } from '../../node/src/audit/limits.ts'
import type { AuditLog } from '../src/pipeline/audit.ts'
import { ACCEPTED, annsBundle, carry, CREW, DESK, grantOn, NODE, openScene } from './scene.ts'
import { crewGrant, refusedAs, type Scene } from './scene.ts'
import { bodies, toInbox, Town } from './town.ts'

/** A scene whose node records on a simulated disk, and what it recorded of bundles. */
async function openRecorded(play: (scene: Scene, bench: LogBench) => Promise<void>) {
  const bench = new LogBench()
  await using log = await bench.open()
  await using scene = await openScene({ audit: log })
  await play(scene, bench)
}

async function bundlesOf(bench: LogBench): Promise<readonly BundleRecord[]> {
  await bench.settle()
  return bench.records().filter((record) => record.kind === 'bundle')
}

async function statementsOf(bench: LogBench): Promise<readonly AuditRecord[]> {
  await bench.settle()
  return bench.records().filter((record) => record.kind === 'statement')
}

describe('the audit log of a node', () => {
  it('has what its host stated of a name elsewhere, and no status is published for that', async () => {
    await openRecorded(async ({ node, acme, world }, bench) => {
      const before = (await statementsOf(bench)).length
      const child = { name: name('sam.acme.example'), key: world.key().publicKey }
      const stated = await node.host.issueTo(acme, child, {
        lifetimeSeconds: 3_600,
        grants: [crewGrant()],
      })
      await world.pass(60_000)
      const told = (await statementsOf(bench)).slice(before)
      expect(told).toMatchObject(stated.map(({ id }) => ({ act: 'issued', id })))
    })
  })

  it('says of an accepted bundle who sent it, for whom, under which grants, and by which rule', async () => {
    await openRecorded(async (scene, bench) => {
      const made = await annsBundle(scene, CREW)
      expect(await carry(scene, made)).toEqual(ACCEPTED)
      const { header } = made.bundle
      expect(await bundlesOf(bench)).toEqual([
        {
          kind: 'bundle',
          at: expect.any(Number),
          via: 'raw.acme.example',
          action: 'publish',
          class: 'event',
          topic: CREW,
          sender: 'ann.acme.example',
          signed: true,
          organisation: 'acme.example',
          onBehalfOf: 'acme.example',
          delegators: ['acme.example'],
          id: made.bundle.id,
          grants: [grantOn(scene.ann, CREW).id],
          proof: header.proof,
          approvers: [],
          messages: 1,
          code: null,
          rule: 'default: grants inside the organisation',
          agents: [{ name: DESK, code: null }],
          agentsCount: 1,
        },
      ])
    })
  })

  it('names everybody who passed the authority on, from the root', async () => {
    await openRecorded(async (scene, bench) => {
      const { world, acme } = scene
      const lead = await world.bind(acme, 'lead.acme.example', {
        uses: 'both',
        depth: 1,
        grants: [crewGrant(['*.lead.acme.example'])],
      })
      const bob = await world.bind(lead, 'bob.lead.acme.example', { grants: [crewGrant()] })
      const under = grantOn(bob, CREW)
      await carry(scene, await makeBundle(world, bob, CREW, { under }))
      const [record] = await bundlesOf(bench)
      expect(record).toMatchObject({
        code: null,
        delegators: ['acme.example', 'lead.acme.example'],
      })
      expect(record!.grants).toEqual([under.statement.parent, under.id])
    })
  })

  it('says why a bundle was refused, and what was found by then', async () => {
    await openRecorded(async (scene, bench) => {
      const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example')
      expect(await carry(scene, await makeBundle(scene.world, bob, DESK))).toEqual(
        refusedAs('policy'),
      )
      expect(await bundlesOf(bench)).toMatchObject([
        {
          sender: 'bob.acme.example',
          signed: true,
          organisation: 'acme.example',
          code: 'policy',
          rule: 'default: only owners and holders of grants',
          agents: [],
        },
      ])
    })
  })

  it('tells a name that was claimed from one that was proven', async () => {
    await openRecorded(async (scene, bench) => {
      const made = await annsBundle(scene, DESK)
      const forged = made.bytes.slice()
      forged[forged.length - 10]! ^= 1
      await scene.raw.prove(NODE, made.proof)
      await scene.raw.transport.publish(DESK, forged)
      await scene.world.pass(20)
      expect(await bundlesOf(bench)).toMatchObject([
        { sender: 'ann.acme.example', signed: false, code: 'bad-signature', rule: null },
      ])
    })
  })

  it('has one record of a bundle, however many copies come', async () => {
    await openRecorded(async (scene, bench) => {
      const made = await annsBundle(scene, DESK, { lifespanMs: 120_000 })
      await carry(scene, made)
      for (let copies = 0; copies < 3; copies++) {
        // Until gossip has forgotten the last copy.
        await scene.world.pass(20_000)
        expect(await carry(scene, made)).toEqual(refusedAs('duplicate'))
      }
      expect(await bundlesOf(bench)).toHaveLength(1)
    })
  })

  it('counts refusals that are alike, and records the count after a second', async () => {
    await openRecorded(async (scene, bench) => {
      const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example')
      const epoch = scene.world.clock.now()
      for (let first = 1; first <= 5; first++) {
        await carry(scene, await makeBundle(scene.world, bob, DESK, { epoch, first }))
      }
      expect(await bundlesOf(bench)).toHaveLength(1)
      await scene.world.pass(1_000)
      await bench.settle()
      expect(bench.records().filter(({ kind }) => kind === 'repeats')).toMatchObject([
        { code: 'policy', sender: 'bob.acme.example', topic: DESK, count: 4 },
      ])
    })
  })

  it('records a bundle before it is delivered', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const waiting: number[] = []
    let inbox = { size: 0 }
    const watched: AuditLog = {
      get fault() {
        return log.fault
      },
      append: (record) => {
        if (record.kind === 'bundle') waiting.push(inbox.size)
        log.append(record)
      },
      appendSafely: (record) => log.appendSafely(record),
      watch: (listener) => log.watch(listener),
    }
    await using scene = await openScene({ audit: watched })
    inbox = scene.deskInbox
    await carry(scene, await annsBundle(scene, DESK))
    expect([waiting, inbox.size]).toEqual([[0], 1])
  })

  it('names who approved, and delivers nothing that was approved before its record is safe', async () => {
    await openRecorded(async (scene, bench) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example')
      const carol = await bindAnyhow(world, acme, 'carol.acme.example')
      const under = await grantAnyhow(world, acme, {
        subject: bob.name,
        topics: [CREW],
        conditions: [approvalsOf(1, carol.name)],
      })
      const approved = async () => {
        const asked = toApprove(world, withStatements(bob, under), CREW, under)
        const approvals = [await approveBy(world, carol, asked)]
        return await makeApproved(world, asked, { approvers: [carol], approvals })
      }
      bench.disk.trouble = (operation) => (operation === 'sync' ? 'io-error' : undefined)
      expect(await carry(scene, await approved())).toEqual(refusedAs('log-unwritable'))
      expect(scene.crewInbox.size).toBe(0)
      bench.disk.trouble = () => undefined
      await bench.clock.advance(LOG_RETRY_MS)
      await bench.settle()
      const syncs = bench.disk.syncs
      expect(await carry(scene, await approved())).toEqual(ACCEPTED)
      expect([scene.crewInbox.size, bench.disk.syncs]).toEqual([1, syncs + 1])
      const records = await bundlesOf(bench)
      expect(records.at(-1)).toMatchObject({ code: null, approvers: [carol.name] })
    })
  })

  it('holds every statement that an agent of the node issued, before anybody has it', async () => {
    await openRecorded(async (scene, bench) => {
      const grants = [{ actions: ['publish'], topics: [CREW] }] as const
      const before = (await statementsOf(bench)).length
      await expect(scene.desk.spawn('w1', { lifetimeSeconds: 60, grants })).rejects.toMatchObject({
        code: 'not-granted',
      })
      expect(await statementsOf(bench)).toHaveLength(before)
      await using child = await scene.desk.spawn('w1', { lifetimeSeconds: 60 })
      const born = { statement: 'binding', issuer: DESK, subject: child.name, act: 'issued' }
      expect((await statementsOf(bench)).slice(before)).toMatchObject([born])
      // What lets the node receive for it is made when it is needed.
      await using crew = await child.join(`crew.${child.name}`)
      const host = { statement: 'grant', issuer: crew.topic.slice(5), subject: NODE }
      expect((await statementsOf(bench)).slice(before)).toMatchObject([born, host])
    })
  })

  it('records the revocation of a name that closed, and waits for no disk with it', async () => {
    await openRecorded(async (scene, bench) => {
      const child = await scene.desk.spawn('w1', { lifetimeSeconds: 3_600 })
      await child[Symbol.asyncDispose]()
      await scene.world.pass(10_000)
      const revoked = (await statementsOf(bench)).filter(
        (record) => record.kind === 'statement' && record.act === 'revoked',
      )
      expect(revoked).toMatchObject([
        { statement: 'revocation', issuer: DESK, onBehalfOf: DESK, subject: child.name },
      ])
    })
  })

  it('lets nothing be issued that cannot be recorded, and tells the node', async () => {
    await openRecorded(async (scene, bench) => {
      bench.disk.trouble = () => 'io-error'
      scene.decisions.drain()
      await expect(scene.desk.spawn('w1', { lifetimeSeconds: 60 })).rejects.toMatchObject({
        code: 'unwritable',
      })
      const told = () =>
        scene.decisions.drain().flatMap(({ about, code }) => (about === 'audit' ? [code] : []))
      expect(told()).toEqual(['log-unwritable'])
      expect(scene.node.host.counts.get('log-unwritable')).toBe(1)
      bench.disk.trouble = () => undefined
      await bench.clock.advance(LOG_RETRY_MS)
      await bench.settle()
      expect(told()).toEqual([null])
      await using child = await scene.desk.spawn('w1', { lifetimeSeconds: 60 })
      expect(child.name).toBe('w1.desk.acme.example')
    })
  })

  it('holds every approval that an agent of the node gave, before the asker has it', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    await using town = await Town.open(1, { audit: log })
    const ann = await town.agent('ann', 1)
    const planner = await town.agent('planner', 1, {
      grants: [
        { actions: ['subscribe'], topics: [CREW] },
        { actions: ['publish'], topics: [CREW], conditions: [approvalsOf(1, ann.name)] },
        toInbox(ann.name),
      ],
    })
    const crew = await planner.join(CREW)
    const worker = await town.member('w1', 1)
    const inbox = worker.crew.messages()
    const approving = (async () => {
      for await (const asked of ann.approvals()) return await asked.approve()
    })()
    await town.world.until(crew.publish('open the valve', { lifespanMs: 60_000 }))
    await approving
    await bench.settle()
    expect(bench.records().filter(({ kind }) => kind === 'approval')).toMatchObject([
      { approver: ann.name, sender: planner.name, topic: CREW },
    ])
    expect(bodies(inbox)).toEqual(['open the valve'])
  })
})
