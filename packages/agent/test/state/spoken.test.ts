import { equalBytes } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { decodeBundle, type Bundle } from '../../src/bundles/bundle.ts'
import { isSheaf } from '../../src/bundles/is-sheaf.ts'
import { readSheaf } from '../../src/bundles/sheaf.ts'
import { explanationOf } from '../../src/explanation-of.ts'
import type { JoinOptions } from '../../src/patterns/group.ts'
import { isAnnouncement } from '../../src/presence/announcement.ts'
import { CREW, CREW_GRANT, Town } from '../town.ts'

const NODE = 'n1.acme.example'
const NODE_TWO = 'n2.acme.example'

/** A member of the crew on a node, and its key. */
async function member(town: Town, label: string, node: number, options: JoinOptions = {}) {
  const identity = await town.world.bind(town.acme, `${label}.acme.example`, {
    grants: [CREW_GRANT],
  })
  const agent = await town.nodes[node - 1]!.host.openAgent(identity)
  const crew = await agent.join(CREW, options)
  return { agent, crew, key: identity.signer.publicKey }
}

/** Three members whose node signs for them, one on another node, and a node that notes what passes. */
async function openCrowd() {
  const town = await Town.open(2)
  const { world, acme } = town
  const raw = await new RawNode(
    world,
    acme,
    await world.bind(acme, 'raw.acme.example', { grants: [CREW_GRANT] }),
  ).meet(NODE)
  const members = []
  for (const label of ['a', 'b', 'c']) members.push(await member(town, label, 1, { spoken: true }))
  await raw.join(NODE, CREW)
  const far = await member(town, 'far', 2)
  await world.pass(2_000)
  raw.heard.length = 0
  /** The bundles of the group that went since this was asked last. */
  const heard = (): readonly Bundle[] =>
    raw.heard
      .splice(0)
      .filter(({ topic, bytes }) => topic === CREW && !isAnnouncement(bytes))
      .flatMap(({ bytes }) => (isSheaf(bytes) ? readSheaf(bytes) : [bytes]))
      .map((bytes) => decodeBundle(bytes, nodeSha256))
  const nodeKey = town.nodes[0]!.identity.signer.publicKey
  return { town, members, far, heard, nodeKey, [Symbol.asyncDispose]: () => world.close() }
}

describe('members whose node signs for them', () => {
  it('share one signature of the node for what they set in one turn', async () => {
    await using crowd = await openCrowd()
    for (const [index, { crew }] of crowd.members.entries()) crew.state.set('pose', index)
    await crowd.town.world.pass(50)
    const bundles = crowd.heard()
    expect(bundles).toHaveLength(3)
    const [first] = bundles
    for (const { header, signature } of bundles) {
      expect(equalBytes(header.key, crowd.nodeKey)).toBe(true)
      expect(equalBytes(signature, first!.signature)).toBe(true)
    }
    expect(crowd.far.crew.state.entries().map(({ value }) => value)).toEqual([0, 1, 2])
  })

  it('share it as well where they set at different times between two messages', async () => {
    await using crowd = await openCrowd()
    const [a, b, c] = crowd.members
    a!.crew.state.set('pose', 1)
    await crowd.town.world.pass(1)
    b!.crew.state.set('pose', 2)
    await crowd.town.world.pass(1)
    c!.crew.state.set('pose', 3)
    await crowd.town.world.pass(50)
    const signatures = crowd.heard().map(({ signature }) => Buffer.from(signature).toString('hex'))
    expect(signatures).toHaveLength(3)
    expect(new Set(signatures).size).toBe(2)
  })

  it('are explained with both keys: the name’s, and the node’s that signed', async () => {
    await using crowd = await openCrowd()
    crowd.members[0]!.crew.state.set('pose', 1)
    await crowd.town.world.pass(50)
    const held = crowd.far.crew.state.get('a.acme.example', 'pose')
    expect(explanationOf(held!).name.lines).toContain(
      'signed by n1.acme.example, which may speak for a.acme.example by the word of a.acme.example',
    )
  })

  it('leave one alone that signs by itself', async () => {
    await using crowd = await openCrowd()
    const own = await member(crowd.town, 'own', 1)
    await crowd.town.world.pass(500)
    crowd.heard()
    own.crew.state.set('pose', 1)
    for (const { crew } of crowd.members) crew.state.set('pose', 2)
    await crowd.town.world.pass(50)
    const byOwnKey = crowd.heard().filter(({ header }) => equalBytes(header.key, own.key))
    expect(byOwnKey.map(({ header }) => header.sender)).toEqual(['own.acme.example'])
    expect(crowd.far.crew.state.get('own.acme.example', 'pose')?.value).toBe(1)
  })

  it('sign events by themselves', async () => {
    await using crowd = await openCrowd()
    const [a] = crowd.members
    await crowd.town.world.until(a!.crew.publish('an event'))
    await crowd.town.world.pass(50)
    const [event] = crowd.heard().filter(({ header }) => header.class === 'event')
    expect(equalBytes(event!.header.key, a!.key)).toBe(true)
  })

  it('are spoken for anew before a grant ends, and heard without a gap', async () => {
    await using crowd = await openCrowd()
    const { town, far, heard, nodeKey } = crowd
    const proofs = new Set<string>()
    for (let second = 0; second < 150; second++) {
      crowd.members[0]!.crew.state.set('pose', second)
      await town.world.pass(1_000)
      expect(far.crew.state.get('a.acme.example', 'pose')?.value).toBe(second)
      for (const { header } of heard()) {
        expect(equalBytes(header.key, nodeKey)).toBe(true)
        proofs.add(Buffer.from(header.proof).toString('hex'))
      }
    }
    expect(proofs.size).toBeGreaterThan(2)
  })

  it('are known to who joins later, on a node that never met theirs', async () => {
    await using crowd = await openCrowd()
    const { town } = crowd
    for (const { crew } of crowd.members) crew.state.set('pose', 'here')
    await town.world.pass(500)
    const third = await town.world.node(town.acme, 'n3.acme.example')
    town.nodes.push(third)
    town.world.network.connect('n3.acme.example', NODE_TWO)
    await town.world.pass(500)
    const late = await member(town, 'late', 3)
    await town.world.pass(1_000)
    expect(late.crew.state.entries().map(({ sender }) => sender)).toEqual([
      'a.acme.example',
      'b.acme.example',
      'c.acme.example',
    ])
  })

  it('take what they said with them when they leave', async () => {
    await using crowd = await openCrowd()
    const { town, far, members } = crowd
    for (const { crew } of members) crew.state.set('pose', 'here')
    await town.world.pass(500)
    await town.world.until(members[0]!.crew[Symbol.asyncDispose]())
    await town.world.pass(100)
    expect(far.crew.state.entries().map(({ sender }) => sender)).toEqual([
      'b.acme.example',
      'c.acme.example',
    ])
  })

  it('are aged by the round trips to their node', async () => {
    await using crowd = await openCrowd()
    crowd.members[0]!.crew.state.set('pose', 1)
    await crowd.town.world.pass(50)
    const held = crowd.far.crew.state.get('a.acme.example', 'pose')
    expect(held?.age[0]).toBeLessThanOrEqual(50)
    expect(held?.age[1]).toBeLessThan(250)
  })
})
