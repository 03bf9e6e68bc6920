import type { Group, Identity, Message, Queue } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { proofOf } from '../../../test/world/made-bundle.ts'
import { RawNode } from '../../../test/world/raw-node.ts'
import { SignedZone } from '../../../test/world/signed-zone.ts'
import { foreignAnchor, type WorldNode } from '../../../test/world/world.ts'
import { bodies, outcomeOf } from './town.ts'
import { answering, counted, CREW, CREW_RIGHTS, toInbox, ZoneScene } from './zone-scene.ts'

const N1 = 'n1.acme.example'
const N2 = 'n2.acme.example'
const ANN = 'ann.acme.example'
const BOB = 'bob.acme.example'
const MINUTE = 60_000

/** Codes of refusals at these nodes; nothing was refused where there is none. */
const refusals = (...nodes: readonly WorldNode[]) =>
  nodes.flatMap(({ host }) => [...host.counts.keys()].filter((code) => code !== 'accepted'))

/** Who is in the group, by name. */
const namesIn = (group: Group) =>
  group
    .members()
    .map(({ name }) => name)
    .toSorted()

/** Ann on one node, Bob on the other, each with a grant of the group's owner; all names in DNS. */
async function openPair(scene: ZoneScene, identity?: Identity) {
  const n1 = await scene.node(N1, identity === undefined ? {} : { identity })
  const n2 = await scene.node(N2)
  const owner = scene.published(CREW)
  const give = async (text: string, to: string) => {
    const named = await scene.grant(scene.acme, scene.published(text), toInbox(to))
    return await scene.grant(owner, named, CREW_RIGHTS)
  }
  const ann = await n1.host.openAgent(await give(ANN, BOB))
  const bob = await n2.host.openAgent(await give(BOB, ANN))
  await scene.world.connect(N1, N2)
  return { n1, n2, ann, bob }
}

async function delivered(scene: ZoneScene, sending: Promise<unknown>, to: Queue<Message>) {
  await scene.world.until(sending)
  await scene.world.pass(50)
  return bodies(to)
}

describe('names whose keys are in DNS alone', () => {
  it('are admitted, accepted, answered, and members of a group of such a name', async () => {
    await using scene = new ZoneScene()
    const { world } = scene
    const { n1, n2, ann, bob } = await openPair(scene)
    expect([n1.host.neighbours, n2.host.neighbours]).toEqual([[N2], [N1]])
    expect(await delivered(scene, ann.send(BOB, 'hello'), bob.messages())).toEqual(['hello'])
    void answering(bob)
    expect((await world.until(ann.request(BOB, 'you there?'))).body).toBe('yes')
    const [annCrew, bobCrew] = [await ann.join(CREW), await bob.join(CREW)]
    await world.pass(1_000)
    expect(namesIn(annCrew)).toEqual([ANN, BOB])
    const all = annCrew.publish('all hands')
    expect(await delivered(scene, all, bobCrew.messages())).toEqual(['all hands'])
    const replies: string[] = []
    const read = async () => {
      for await (const reply of annCrew.fanOut('report')) replies.push(reply.status)
    }
    await world.until(read())
    expect(replies).toEqual(['replied'])
    expect(refusals(n1, n2)).toEqual([])
  })

  it('spawn sub-agents, whose messages the other host accepts', async () => {
    await using scene = new ZoneScene()
    const { n1, n2, bob } = await openPair(scene)
    const parts = { ...toInbox(BOB), mayDelegate: ['*.planner.acme.example'] }
    const named = scene.published('planner.acme.example')
    const planner = await n1.host.openAgent(await scene.grant(scene.acme, named, parts))
    const child = await planner.spawn('w1', { lifetimeSeconds: 60, grants: [toInbox(BOB)] })
    const sending = child.send(BOB, 'from below')
    expect(await delivered(scene, sending, bob.messages())).toEqual(['from below'])
    expect(refusals(n1, n2)).toEqual([])
  })

  it('may stand in a zone that the anchored one delegates', async () => {
    await using scene = new ZoneScene()
    const { world } = scene
    const slice = new SignedZone(world, 'team.acme.example', { parent: scene.zone })
    const carol = await scene.grant(
      scene.acme,
      scene.published('carol.team.acme.example', {}, slice),
      toInbox(BOB),
    )
    const { n2, bob } = await openPair(scene)
    const n3 = await scene.node('n3.acme.example', { zoneKeys: counted(slice).source })
    expect(n3.host.neighbours).toEqual([])
    await world.connect('n3.acme.example', N2)
    const sender = await n3.host.openAgent(carol)
    const heard = delivered(scene, sender.send(BOB, 'from the team'), bob.messages())
    expect(await heard).toEqual(['from the team'])
    expect(refusals(n2)).toEqual([])
  })

  it('are nobody’s where there is no anchor, and cost nothing there', async () => {
    await using scene = new ZoneScene()
    const { world } = scene
    const globexZone = new SignedZone(world, 'globex.example')
    const globex = world.organisation('globex.example')
    globexZone.publish('globex.example', { key: globex.signer.publicKey })
    const count = counted(globexZone)
    const stranger = await world.node(globex, 'n1.globex.example', {
      ownAnchor: globexZone.anchor(),
      zoneKeys: count.source,
    })
    const opened = count.checks
    const n1 = await scene.node(N1, { anchors: [foreignAnchor(globex)] })
    const decisions = stranger.host.decisions()
    await world.connect(N1, 'n1.globex.example')
    expect(decisions.drain().map(({ code }) => code)).toEqual(['no-anchor'])
    expect([n1.host.neighbours, count.checks]).toEqual([[], opened])
  })

  it('cannot be opened while the DNS does not answer', async () => {
    await using scene = new ZoneScene()
    scene.zone.up = false
    await expect(scene.node(N1)).rejects.toMatchObject({ code: 'no-chain' })
    scene.zone.up = true
    expect((await scene.node(N2)).host.name).toBe(N2)
  })
})

describe('records that are renewed before they lapse', () => {
  it('keep a conversation of 12 hours going on one connection', async () => {
    await using scene = new ZoneScene()
    const { world, zone } = scene
    const { n1, n2, ann, bob } = await openPair(scene)
    const inbox = bob.messages()
    const decisions = n1.host.decisions()
    void answering(bob)
    for (let round = 1; round <= 72; round++) {
      await world.pass(10 * MINUTE)
      // Servers sign anew when an hour of four is left.
      if (round % 18 === 0) zone.renew()
      expect(await delivered(scene, ann.send(BOB, round), inbox)).toEqual([round])
      expect((await world.until(ann.request(BOB, 'still there?'))).body).toBe('yes')
    }
    expect(refusals(n1, n2)).toEqual([])
    expect(decisions.drain().filter(({ about }) => about !== 'bundle')).toEqual([])
    // Who comes now is shown what holds now.
    world.network.disconnect(N1, N2)
    await world.connect(N1, N2)
    expect(await delivered(scene, ann.send(BOB, 'again'), inbox)).toEqual(['again'])
  })

  it('keep a group together, and its rights', async () => {
    await using scene = new ZoneScene({ validityMs: 20 * MINUTE })
    const { world, zone } = scene
    const { n1, n2, ann, bob } = await openPair(scene)
    const [annCrew, bobCrew] = [await ann.join(CREW), await bob.join(CREW)]
    await world.pass(1_000)
    const [changes, heard] = [annCrew.presence(), bobCrew.messages()]
    for (let round = 1; round <= 12; round++) {
      await world.pass(5 * MINUTE)
      if (round % 3 === 0) zone.renew()
      expect(await delivered(scene, annCrew.publish(round), heard)).toEqual([round])
    }
    expect([changes.drain(), namesIn(annCrew)]).toEqual([[], [ANN, BOB]])
    expect(refusals(n1, n2)).toEqual([])
  })

  it('end it when they are not', async () => {
    await using scene = new ZoneScene({ validityMs: 10 * MINUTE })
    const { n1, n2, ann } = await openPair(scene)
    scene.zone.up = false
    await scene.world.pass(10 * MINUTE - 2_000)
    expect(n1.host.neighbours).toEqual([N2])
    await scene.world.pass(3_000)
    expect([n1.host.neighbours, n2.host.neighbours]).toEqual([[], []])
    const sending = outcomeOf(ann.send(BOB, 'hello', { lifespanMs: 1_000 }))
    await scene.world.pass(2_000)
    expect(sending.code).toBe('unreachable')
  })

  it('are shown again by who learned them from others first', async () => {
    await using scene = new ZoneScene({ validityMs: 10 * MINUTE })
    const { world, zone } = scene
    // Agents of one published parent on two nodes: both rest on the same records.
    const planner = scene.published('planner.acme.example', { depth: 1 })
    const below = async (label: string) =>
      await world.bind(planner, `${label}.planner.acme.example`, { uses: 'sign' })
    const [n1, n2] = [await scene.node(N1), await scene.node(N2)]
    const w1 = await n1.host.openAgent(
      await scene.grant(scene.acme, await below('w1'), toInbox('w2.planner.acme.example')),
    )
    const w2 = await n2.host.openAgent(await below('w2'))
    await world.connect(N1, N2)
    const inbox = w2.messages()
    expect(await delivered(scene, w1.send(w2.name, 0), inbox)).toEqual([0])
    for (let minute = 1; minute <= 60; minute++) {
      await world.pass(MINUTE)
      if (minute % 4 === 0) zone.renew()
      expect(await delivered(scene, w1.send(w2.name, minute), inbox)).toEqual([minute])
    }
    expect(refusals(n1, n2)).toEqual([])
  })
})

describe('a key that the zone takes back', () => {
  /** A neighbour of n1 that tells it the newest records of names. */
  async function openTeller(scene: ZoneScene) {
    const { world, zone, acme } = scene
    const named = await world.bind(acme, 'raw.acme.example')
    const raw = await new RawNode(world, acme, named, undefined, () =>
      zone.chain('acme.example'),
    ).meet(N1)
    return async (name: string) => {
      zone.publish(name, { key: world.key().publicKey })
      await raw.prove(N1, proofOf([], zone.chain(name)))
      await world.pass(2_000)
    }
  }

  it('ends the connection of its node, and the rights that were shown by it', async () => {
    await using scene = new ZoneScene()
    const { world } = scene
    // Bound by acme.example, so that the teller, who trusts that key, accepts it.
    const { n1, ann, bob } = await openPair(scene, await world.bind(scene.acme, N1))
    const [annCrew, bobCrew] = [await ann.join(CREW), await bob.join(CREW)]
    await world.pass(1_000)
    const heard = bobCrew.messages()
    expect(await delivered(scene, annCrew.publish('for both'), heard)).toEqual(['for both'])
    const takeBack = await openTeller(scene)
    // His node goes on with the old key and its old proofs.
    await takeBack(BOB)
    const secret = outcomeOf(annCrew.publish('secret'))
    await world.pass(20_000)
    expect([secret.code, bodies(heard)]).toEqual(['not-handed-over', []])
    expect(n1.host.neighbours).toContain(N2)
    await takeBack(N2)
    expect(n1.host.neighbours).not.toContain(N2)
  })

  it('is of no member any more, whoever carries the presence of its node', async () => {
    await using scene = new ZoneScene()
    const { world, acme } = scene
    const nodes = [await scene.node(N1, { identity: await world.bind(acme, N1) })]
    for (const text of ['n3.acme.example', N2]) nodes.push(await scene.node(text))
    const owner = scene.published(CREW)
    const crews: Group[] = []
    for (const [index, text] of [ANN, 'carol.acme.example', BOB].entries()) {
      const member = await scene.grant(owner, scene.published(text), CREW_RIGHTS)
      crews.push(await (await nodes[index]!.host.openAgent(member)).join(CREW))
    }
    world.network.connect(N1, 'n3.acme.example')
    world.network.connect('n3.acme.example', N2)
    await world.pass(12_000)
    const all = [ANN, BOB, 'carol.acme.example']
    expect(crews.map(namesIn)).toEqual([all, all, all])
    const takeBack = await openTeller(scene)
    await takeBack(BOB)
    await world.pass(20_000)
    expect(crews.map(namesIn)).toEqual([[ANN, 'carol.acme.example'], all, all])
  })
})
