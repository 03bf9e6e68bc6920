import type { Identity } from '@ixj/agent'
import { utf8Bytes } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { proofOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { name } from '../../../../test/world/world.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { DNSSEC_CHECKS_PER_SECOND, HELLO_MS } from '../../src/limits.ts'
import { outcomeOf } from '../town.ts'
import {
  ACCEPTED,
  carry,
  DESK,
  NODE,
  openZoneDesk,
  toDesk,
  toInbox,
  ZoneScene,
  type ZoneDesk,
} from '../zone-scene.ts'

const ACME = 'acme.example'
const PLANNER = name('planner.acme.example')
const RAW = name('raw.acme.example')

let made = 0
/** Records that prove nothing, in bytes that nobody has seen. */
const junk = () => utf8Bytes(`junk ${(made += 1)}`)

const many = <T>(amount: number, make: () => T) => Array.from({ length: amount }, make)

describe('junk for records', () => {
  it('costs a neighbour’s budget, nobody’s good name, and keeps out nothing honest', async () => {
    await using at = await openZoneDesk()
    const { scene, raw, count, node } = at
    const { world } = scene
    const honest = await new RawNode(
      world,
      scene.acme,
      await world.bind(scene.acme, 'honest.acme.example'),
      undefined,
      () => scene.zone.chain(ACME),
    ).meet(NODE)
    await world.pass(1_000)
    const before = count.checks
    const frames = many(400, () => ({ kind: 'proof', bytes: proofOf([], junk()).bytes }) as const)
    await raw.say(NODE, ...frames)
    await world.pass(10)
    expect(count.checks - before).toBe(DNSSEC_CHECKS_PER_SECOND)
    const planner = await scene.grant(scene.acme, scene.published(PLANNER), toInbox(DESK))
    const bundle = await toDesk(at, planner, scene.zone.chain(ACME, PLANNER))
    // What another neighbour brings is looked at, and in the next second what this one does.
    await honest.prove(NODE, bundle.proof)
    await world.pass(10)
    expect(await carry(at, bundle, { proved: false })).toEqual(ACCEPTED)
    await world.pass(1_000)
    const next = await toDesk(at, planner, scene.zone.chainWith('more', ACME, PLANNER))
    expect(await carry(at, next)).toEqual(ACCEPTED)
    expect(node.host.neighbours).toContain(RAW)
  })

  it('leaves nothing behind of a neighbour that goes while they are checked', async () => {
    await using at = await openZoneDesk()
    const { scene, raw, count, node } = at
    const { world } = scene
    const witness = await new RawNode(
      world,
      scene.acme,
      await world.bind(scene.acme, 'witness.acme.example'),
      undefined,
      () => scene.zone.chain(ACME),
    ).meet(NODE)
    let open = () => {}
    count.gate = new Promise((resolve) => (open = resolve))
    const told = proofOf([], scene.zone.chainWith('gone', ACME))
    await raw.prove(NODE, told)
    await world.pass(10)
    world.network.disconnect(NODE, raw.peer)
    await world.pass(10)
    expect(node.host.neighbours).toEqual([witness.identity.name])
    open()
    await world.pass(10)
    await witness.say(NODE, { kind: 'fetch', proof: told.id })
    await world.pass(10)
    expect(witness.frames.filter(({ kind }) => kind === 'unknown')).toHaveLength(1)
  })
})

describe('the hello of a stranger', () => {
  const stranger = (scene: ZoneScene, identity: Identity, label: string) =>
    new RawNode(scene.world, scene.acme, identity, label, junk)

  it('costs no check where no anchor of a zone lets that name connect', async () => {
    await using scene = new ZoneScene()
    const { world, acme, zone } = scene
    const globex = world.organisation('globex.example')
    const initech = world.organisation('initech.example')
    await scene.node(NODE, {
      identity: await world.bind(acme, NODE),
      anchors: [
        { name: initech.name, keys: [initech.signer.publicKey] },
        { ...zone.anchor(['send']), name: name('deaf.acme.example') },
      ],
    })
    const count = scene.counts.get(NODE)!
    const before = count.checks
    for (const [label, organisation] of [
      ['x.globex.example', globex],
      ['x.initech.example', initech],
      ['x.deaf.acme.example', acme],
    ] as const) {
      await stranger(scene, await world.bind(organisation, label), label).meet(NODE)
    }
    expect(count.checks - before).toBe(0)
    const covered = await world.bind(acme, 'x.acme.example')
    await stranger(scene, covered, 'x').meet(NODE)
    expect(count.checks - before).toBe(1)
  })

  it('shares a budget with all strangers, and takes none of a node that is dialled', async () => {
    await using scene = new ZoneScene()
    const { world, acme, zone } = scene
    const { host, transport } = await scene.node(NODE, { identity: await world.bind(acme, NODE) })
    const count = scene.counts.get(NODE)!
    const named = await world.bind(acme, 'x.acme.example')
    const before = count.checks
    const flood = () => {
      for (const each of many(96, () => stranger(scene, named, `s${(made += 1)}`))) {
        each.transport.connect(NODE)
      }
    }
    flood()
    await world.pass(300)
    expect(count.checks - before).toBeLessThanOrEqual(DNSSEC_CHECKS_PER_SECOND * 1.5)
    const friend = await world.bind(acme, 'friend.acme.example')
    const dialled = new RawNode(world, acme, friend, undefined, () => zone.chainWith('f', ACME))
    flood()
    await world.pass(30)
    flood()
    transport.connect(dialled.peer)
    await world.pass(500)
    expect(host.neighbours).toEqual([friend.name])
    await world.pass(HELLO_MS)
    // Known records need no check, whoever is flooding.
    const again = await world.bind(acme, 'again.acme.example')
    flood()
    await new RawNode(world, acme, again, undefined, () => zone.chainWith('f', ACME)).meet(NODE)
    await world.pass(300)
    expect(host.neighbours).toContain(again.name)
  })
})

describe('a host that a key record names', () => {
  /** Has the neighbour open the inbox of a name without any grant, under these records. */
  async function show(
    { raw, scene }: ZoneDesk,
    topic: string,
    records: Uint8Array,
    statements: Parameters<typeof proofOf>[0] = [],
  ): Promise<void> {
    const proof = proofOf(statements, records)
    await raw.reach(NODE, topic)
    await raw.transport.subscribe(topic)
    await raw.prove(NODE, proof)
    const rest = { agent: null, agentKey: null, subscribe: null, host: null, proof: proof.id }
    const [inbox, carrier] = [name(topic), name(topic)]
    await raw.say(NODE, { kind: 'right', topic: inbox, of: 'inbox', carrier, ...rest })
    await scene.world.pass(50)
  }

  const heard = ({ raw }: ZoneDesk, topic: string) =>
    raw.heard.filter((each) => each.topic === topic).length

  /** Sends to a name; how many bundles of it the neighbour got. */
  async function send(at: ZoneDesk, to: string): Promise<number> {
    const before = heard(at, to)
    outcomeOf(at.desk.send(to, 'hello', { lifespanMs: 500 }))
    await at.scene.world.pass(1_000)
    return heard(at, to) - before
  }

  it('receives for exactly that name, without a grant', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const below = name('w1.planner.acme.example')
    scene.published(PLANNER, { hosts: [RAW] })
    scene.published('other.acme.example', { hosts: [name('n9.acme.example')] })
    const records = scene.zone.chain(PLANNER, 'other.acme.example')
    await show(at, PLANNER, records)
    expect(await send(at, PLANNER)).toBe(1)
    await show(at, below, records)
    expect(await send(at, below)).toBe(0)
    await show(at, 'other.acme.example', records)
    expect(await send(at, 'other.acme.example')).toBe(0)
    const codes = at.decisions.drain().filter(({ about }) => about === 'right')
    expect(codes.map(({ code }) => code)).toEqual(['not-granted', 'not-granted'])
  })

  it('receives no longer when newer records leave it out', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const planner = scene.published(PLANNER, { hosts: [RAW] })
    const old = scene.zone.chain(PLANNER)
    await show(at, PLANNER, old)
    expect(await send(at, PLANNER)).toBe(1)
    scene.zone.publish(PLANNER, { key: planner.signer.publicKey })
    await at.raw.prove(NODE, proofOf([], scene.zone.chain(PLANNER)))
    await scene.world.pass(1_100)
    expect(await send(at, PLANNER)).toBe(0)
    await show(at, PLANNER, old)
    expect(await send(at, PLANNER)).toBe(0)
  })

  it('receives nothing by a record that lapsed, though the key is bound for longer', async () => {
    await using at = await openZoneDesk({ validityMs: 60_000 })
    const { scene } = at
    const { world, zone } = scene
    const bound = await bindAnyhow(world, scene.acme, PLANNER)
    zone.publish(PLANNER, { key: bound.signer.publicKey, hosts: [RAW] })
    await world.pass(40_000)
    // The binding holds by records of acme.example for a minute from now, `h=` for 20 s.
    zone.renew(ACME)
    const records = zone.chain(ACME, PLANNER)
    const statements = provingStatements(bound, [])
    await show(at, PLANNER, records, statements)
    expect(await send(at, PLANNER)).toBe(1)
    await world.pass(20_000)
    expect(at.node.host.neighbours).toEqual([RAW])
    expect(await send(at, PLANNER)).toBe(0)
    await show(at, PLANNER, records, statements)
    expect(await send(at, PLANNER)).toBe(0)
  })
})
