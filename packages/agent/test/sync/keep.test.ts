import { explanationOf } from '../../src/explanation-of.ts'
import { AgentError } from '@ixj/agent'
import { isGrant } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeAttestation } from '../../../../test/world/made-attestation.ts'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import type { WorldNodeOptions } from '../../../../test/world/world.ts'
import { allAbilities } from '../../src/host/open-host.ts'
import type { SyncFrame } from '../../src/sync/frames.ts'
import { CREW, crewGrant, NODE, openScene } from '../scene.ts'
import { Town } from '../town.ts'

/** A bundle of a minute and a half ago, whose sender's binding has ended since; who may vouch for it. */
async function openLapsed(options: WorldNodeOptions = {}) {
  const scene = await openScene(options)
  const { world, acme } = scene
  await world.pass(200_000)
  const now = world.clock.now()
  const times = { notBefore: 0, notAfter: now - 61_000 }
  const gone = await bindAnyhow(world, acme, 'gone.acme.example', times)
  const under = await grantAnyhow(world, acme, { subject: gone.name, topics: [CREW], ...times })
  const sentAt = now - 90_000
  const made = await makeBundle(world, withStatements(gone, under), CREW, {
    under,
    sentAt,
    epoch: sentAt,
    lifespanMs: 60_000,
  })
  await scene.raw.prove(NODE, made.proof)
  const keeper = await world.bind(acme, 'keeper.acme.example', {
    grants: [{ actions: ['keep'], topics: [CREW] }],
  })
  const asked = scene.crew.messages({ history: 10 })
  return { ...scene, scene, made, keeper, asked, [Symbol.asyncDispose]: scene[Symbol.asyncDispose] }
}

type Lapsed = Awaited<ReturnType<typeof openLapsed>>

/** Offers the bundle with this word of history; what the host decided about it, and how it blamed. */
async function give(lapsed: Lapsed, attest: Uint8Array | null, by = lapsed.raw) {
  const { scene, made } = lapsed
  const say = (frame: SyncFrame) => scene.world.until(by.sync(NODE, frame))
  await say({ kind: 'offer', topic: CREW, ids: [made.bundle.id] })
  await scene.world.pass(20)
  scene.decisions.drain()
  await say({ kind: 'bundle', bytes: made.bytes, attest })
  await scene.world.pass(2_100)
  const decisions = scene.decisions.drain()
  const about = (kind: string) => decisions.filter((each) => each.about === kind)
  return [about('bundle').map(({ code }) => code), about('right').map(({ code }) => code)]
}

async function word(
  lapsed: Lapsed,
  changes: Partial<Parameters<typeof makeAttestation>[2]> = {},
): Promise<Uint8Array> {
  const { scene, made, keeper } = lapsed
  const [under = null] = keeper.statements.filter(isGrant)
  const receivedAt = made.bundle.header.sentAt + 1_000
  const about = { bundle: made.bundle.id, receivedAt, under, ...changes }
  const attestation = await makeAttestation(scene.world, keeper, about)
  await scene.raw.prove(NODE, attestation.proof)
  return attestation.bytes
}

/** As in a page that is offline. */
async function nothing(): Promise<never> {
  throw new AgentError('unreachable', 'Cannot load what attests: offline')
}

describe('a bundle whose proof has lapsed', () => {
  it('is believed as history on the word of a keeper, marked, and never live', async () => {
    await using lapsed = await openLapsed()
    expect(await give(lapsed, await word(lapsed))).toEqual([[null], []])
    expect(lapsed.asked.drain()).toMatchObject([{ historical: true }])
    expect(lapsed.crewInbox.size).toBe(0)
    const later = lapsed.crew.messages({ history: 10 })
    await lapsed.world.pass(50)
    const [message] = later.drain()
    expect(explanationOf(message!).notes).toEqual([
      'history: its proof had lapsed, and a keeper of history vouched for it',
    ])
  })

  it('is not believed without one', async () => {
    await using lapsed = await openLapsed()
    expect(await give(lapsed, null)).toEqual([['expired'], []])
    expect(lapsed.asked.size).toBe(0)
  })

  it.each(['no word', 'a word that does not count'])(
    'is believed on the word of a keeper when another gave it with %s before',
    async (given) => {
      await using lapsed = await openLapsed()
      const { world, acme } = lapsed
      const useless = given === 'no word' ? null : await word(lapsed, { under: null })
      expect(await give(lapsed, useless)).toEqual([
        [useless === null ? 'expired' : 'not-granted'],
        [],
      ])
      const identity = await world.bind(acme, 'other.acme.example', { grants: [crewGrant()] })
      const other = await new RawNode(world, acme, identity).meet(NODE)
      await other.join(NODE, CREW)
      expect(await give(lapsed, await word(lapsed), other)).toEqual([[null], []])
    },
  )

  it.each([
    [
      'of a time before it was sent',
      'future',
      (sentAt: number) => ({ receivedAt: sentAt - 60_001 }),
    ],
    ['of a time to come', 'future', (sentAt: number) => ({ receivedAt: sentAt + 1_000_000 })],
    [
      'of a time at which it had lapsed',
      'expired',
      (sentAt: number) => ({ receivedAt: sentAt + 89_500 }),
    ],
    ['about another bundle', 'form', () => ({ bundle: new Uint8Array(32) })],
    ['under no grant', 'not-granted', () => ({ under: null })],
  ])('is not believed on a word %s', async (_what, code, changesOf) => {
    await using lapsed = await openLapsed()
    const changes = changesOf(lapsed.made.bundle.header.sentAt)
    const blamed = code === 'form' ? [code] : []
    expect(await give(lapsed, await word(lapsed, changes))).toEqual([[code], blamed])
    expect(lapsed.asked.size).toBe(0)
  })

  it('waits, and the node tells it, where what checks the word cannot be loaded', async () => {
    const of = { isThere: true }
    const history = () => (of.isThere ? allAbilities.history() : nothing())
    await using lapsed = await openLapsed({ abilities: { ...allAbilities, history } })
    of.isThere = false
    expect(await give(lapsed, await word(lapsed))).toEqual([['own-fault'], []])
    expect(lapsed.asked.size).toBe(0)
    of.isThere = true
    expect(await give(lapsed, await word(lapsed))).toEqual([[null], []])
    expect(lapsed.asked.drain()).toMatchObject([{ historical: true }])
  })

  it('is not believed on a word that another signed, which is its giver’s fault', async () => {
    await using lapsed = await openLapsed()
    const signer = lapsed.world.key()
    expect(await give(lapsed, await word(lapsed, { signer }))).toEqual([
      ['bad-signature'],
      ['bad-signature'],
    ])
    expect(lapsed.asked.size).toBe(0)
  })
})

describe('a node that holds `keep`', () => {
  it('vouches for what it kept to who comes when the sender’s name has ended', async () => {
    await using town = await Town.open(1)
    const { world, acme } = town
    const keep = { actions: ['keep'], topics: [CREW] } as const
    const identity = await world.bind(acme, 'n2.acme.example', { grants: [keep] })
    town.nodes.push(await world.node(acme, 'n2.acme.example', { identity }))
    await world.connect('n1.acme.example', 'n2.acme.example')
    const a = await town.member('a', 1, { lifetimeSeconds: 30 })
    await town.member('b', 2)
    await world.pass(1_000)
    await world.until(a.crew.publish('short', { lifespanMs: 5_000 }))
    await world.pass(2_000)
    await town.nodes[0]!.transport[Symbol.asyncDispose]()
    await world.pass(120_000)
    town.nodes.push(await world.node(acme, 'n3.acme.example'))
    await world.connect('n2.acme.example', 'n3.acme.example')
    const c = await town.member('c', 3)
    const [asked, live] = [c.crew.messages({ history: 10 }), c.crew.messages()]
    await world.pass(10_000)
    expect(asked.drain()).toMatchObject([{ body: 'short', historical: true }])
    expect(live.size).toBe(0)
  })

  it('gives nothing, and tells it, where what vouches cannot be loaded: another is asked', async () => {
    await using town = await Town.open(1)
    const { world, acme } = town
    const keep = { actions: ['keep'], topics: [CREW] } as const
    for (const abilities of [{ ...allAbilities, history: nothing }, allAbilities]) {
      const nodeName = `n${town.nodes.length + 1}.acme.example`
      const identity = await world.bind(acme, nodeName, { grants: [keep] })
      town.nodes.push(await world.node(acme, nodeName, { identity, abilities }))
    }
    await world.connect('n1.acme.example', 'n2.acme.example', 'n3.acme.example')
    const a = await town.member('a', 1)
    await town.member('b', 2)
    await town.member('c', 3)
    await world.pass(1_000)
    await world.until(a.crew.publish('kept'))
    await world.pass(2_000)
    await town.nodes[0]!.transport[Symbol.asyncDispose]()
    const decisions = town.nodes[1]!.host.decisions()
    town.nodes.push(await world.node(acme, 'n4.acme.example'))
    await world.connect('n2.acme.example', 'n4.acme.example')
    const d = await town.member('d', 4)
    const asked = d.crew.messages({ history: 10 })
    await world.pass(10_000)
    expect(asked.drain()).toEqual([])
    expect(decisions.drain()).toContainEqual(
      expect.objectContaining({ about: 'sync', code: 'own-fault' }),
    )
    await world.connect('n3.acme.example', 'n4.acme.example')
    await world.pass(10_000)
    expect(asked.drain()).toMatchObject([{ body: 'kept' }])
  })
})
