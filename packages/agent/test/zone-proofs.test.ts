import type { Identity } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { bindAnyhow, withStatements } from '../../../test/world/made-statement.ts'
import { WORLD_START } from '../../../test/world/world.ts'
import { grantsOf } from '../src/host/identity.ts'
import {
  ACCEPTED,
  carry,
  DESK,
  openZoneDesk,
  toDesk,
  toInbox,
  type ZoneDesk,
} from './zone-scene.ts'

const ACME = 'acme.example'
const PLANNER = 'planner.acme.example'
/** Short lives, so that tests that outlive them are short too. */
const LIFE = 600_000
const LAPSE = WORLD_START + LIFE

/** Refused, and the neighbour that carried it is not blamed. */
const ignored = (code: string) => ({ code, blame: 0 })

/** A planner whose key stands in the zone, with a grant of acme.example to write to the desk. */
async function openPlanner({ scene }: ZoneDesk, record = {}): Promise<Identity> {
  return await scene.grant(scene.acme, scene.published(PLANNER, record), toInbox(DESK))
}

const passUntil = ({ scene: { world } }: ZoneDesk, time: number) =>
  world.pass(time - world.clock.now())

/** Tells newer records of the planner in a proof that is about nothing else. */
async function tellNewer(at: ZoneDesk): Promise<void> {
  const { proof } = await toDesk(at, { ...at.scene.acme, statements: [] }, plannerRecords(at))
  await at.raw.prove(at.node.host.name, proof)
  await at.scene.world.pass(5)
}

const plannerRecords = ({ scene }: ZoneDesk) => scene.zone.chain(ACME, PLANNER)

describe('a proof with records', () => {
  it('is accepted up to the last millisecond of its records, and no later', async () => {
    await using at = await openZoneDesk({ validityMs: LIFE })
    const planner = await openPlanner(at)
    const records = plannerRecords(at)
    await passUntil(at, LAPSE - 60_000)
    // The connection that carries it rests on newer records of acme.example.
    at.scene.zone.renew(ACME)
    await passUntil(at, LAPSE - 5_000)
    expect(await carry(at, await toDesk(at, planner, records))).toEqual(ACCEPTED)
    const made = [await toDesk(at, planner, records), await toDesk(at, planner, records)] as const
    // One millisecond to the host.
    await passUntil(at, LAPSE - 1)
    await at.raw.transport.publish(DESK, made[0].bytes)
    await at.scene.world.pass(1)
    await at.raw.transport.publish(DESK, made[1].bytes)
    await at.scene.world.pass(1)
    expect(at.decisions.drain().map(({ code }) => code)).toEqual([null, 'expired'])
  })

  it('proves nothing where its records had lapsed before they came', async () => {
    await using at = await openZoneDesk({ validityMs: LIFE })
    const planner = await openPlanner(at)
    const records = plannerRecords(at)
    await passUntil(at, LAPSE - 60_000)
    at.scene.zone.renew(ACME)
    await passUntil(at, LAPSE + 1_000)
    expect(await carry(at, await toDesk(at, planner, records))).toEqual(ignored('no-chain'))
    at.scene.zone.renew(PLANNER)
    expect(await carry(at, await toDesk(at, planner, plannerRecords(at)))).toEqual(ACCEPTED)
  })

  it('serves a verifier that trusts the key itself', async () => {
    await using at = await openZoneDesk({ trusts: 'key' })
    const ann = await at.scene.world.bind(at.scene.acme, 'ann.acme.example', {
      grants: [toInbox(DESK)],
    })
    expect(await carry(at, await toDesk(at, ann, at.scene.zone.chain(ACME)))).toEqual(ACCEPTED)
    // Published is not bound: the zone has no say where a key is the anchor.
    const planner = await openPlanner(at)
    const made = await toDesk(at, planner, plannerRecords(at))
    expect(await carry(at, made)).toEqual(ignored('no-chain'))
  })

  it('binds below a published key as deep as its record says', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const { world } = scene
    const planner = scene.published(PLANNER, { depth: 1 })
    const child = await bindAnyhow(world, planner, 'w1.planner.acme.example')
    const grandchild = await bindAnyhow(world, child, 'x.w1.planner.acme.example')
    const granted = (holder: Identity) => scene.grant(scene.acme, holder, toInbox(DESK))
    const records = plannerRecords(at)
    expect(await carry(at, await toDesk(at, await granted(child), records))).toEqual(ACCEPTED)
    const deep = await toDesk(at, await granted(grandchild), records)
    expect(await carry(at, deep)).toEqual(ignored('depth-exceeded'))
  })
})

describe('newer records', () => {
  it('take a key back: the old proof gives nothing, though it was accepted before', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const planner = await openPlanner(at)
    const old = plannerRecords(at)
    const replayed = scene.zone.chainWith('replayed', ACME, PLANNER)
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ACCEPTED)
    await scene.world.pass(2_000)
    const next = withStatements(scene.published(PLANNER), ...planner.statements)
    await tellNewer(at)
    // The very proof that led to something accepted, and one that nobody has seen.
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ignored('no-chain'))
    const made = await toDesk(at, planner, replayed)
    expect(await carry(at, made)).toEqual(ignored('no-chain'))
    expect(await carry(at, await toDesk(at, next, plannerRecords(at)))).toEqual(ACCEPTED)
  })

  it('take back what a key may do', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const planner = await openPlanner(at)
    const old = plannerRecords(at)
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ACCEPTED)
    await scene.world.pass(2_000)
    scene.zone.publish(PLANNER, { key: planner.signer.publicKey, uses: 'bind' })
    await tellNewer(at)
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ignored('uses'))
  })

  it('take back a grant whose issuer’s key they leave out', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const { world } = scene
    const owner = scene.published(DESK)
    const ann = await scene.grant(owner, await world.bind(scene.acme, 'ann.acme.example'), {
      ...toInbox(DESK),
    })
    const records = () => scene.zone.chain(ACME, DESK)
    const old = records()
    expect(grantsOf(ann)).toHaveLength(1)
    expect(await carry(at, await toDesk(at, ann, old))).toEqual(ACCEPTED)
    await world.pass(2_000)
    scene.published(DESK)
    const { proof } = await toDesk(at, { ...scene.acme, statements: [] }, records())
    await at.raw.prove(at.node.host.name, proof)
    expect(await carry(at, await toDesk(at, ann, old))).toEqual(ignored('no-chain'))
  })

  it('are not outvoted by others of the same second', async () => {
    await using at = await openZoneDesk()
    const { scene } = at
    const planner = await openPlanner(at)
    const old = plannerRecords(at)
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ACCEPTED)
    const next = withStatements(scene.published(PLANNER), ...planner.statements)
    expect(await carry(at, await toDesk(at, next, plannerRecords(at)))).toEqual(ACCEPTED)
  })

  it('let an old proof count that they do not contradict', async () => {
    await using at = await openZoneDesk()
    const planner = await openPlanner(at)
    const old = plannerRecords(at)
    await at.scene.world.pass(2_000)
    at.scene.zone.renew()
    await tellNewer(at)
    expect(await carry(at, await toDesk(at, planner, old))).toEqual(ACCEPTED)
  })
})
