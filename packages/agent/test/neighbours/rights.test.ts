import { toHex, type Grant, type SignedStatement } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { proofOf } from '../../../../test/world/made-bundle.ts'
import { grantAnyhow } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { name } from '../../../../test/world/world.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { CREW, DESK, grantOn, NODE, openScene, type Scene } from '../scene.ts'

/** A neighbour of acme without any right. */
async function openReader(scene: Scene, label = 'spy.acme.example'): Promise<RawNode> {
  const identity = await scene.world.bind(scene.acme, label)
  return await new RawNode(scene.world, scene.acme, identity).meet(NODE)
}

const heardOn = (raw: RawNode, topic: string) => raw.heard.filter((each) => each.topic === topic)

/** Codes of the rights that the host decided on. */
const rightCodes = (scene: Scene) =>
  scene.decisions
    .drain()
    .filter(({ about }) => about === 'right')
    .map(({ code }) => code)

/** Has the reader show a right to the crew with these ids and statements. */
async function show(
  scene: Scene,
  reader: RawNode,
  claim: {
    readonly agent?: string
    readonly key?: Uint8Array
    readonly subscribe: SignedStatement<Grant> | null
    readonly host?: SignedStatement<Grant> | null
    readonly statements: Parameters<typeof proofOf>[0]
  },
): Promise<void> {
  const proof = proofOf(claim.statements)
  await reader.prove(NODE, proof)
  await reader.say(NODE, {
    kind: 'right',
    topic: CREW,
    of: 'group',
    carrier: CREW,
    agent: name(claim.agent ?? reader.identity.name),
    agentKey: claim.key ?? reader.identity.signer.publicKey,
    subscribe: claim.subscribe?.id ?? null,
    host: claim.host?.id ?? null,
    proof: proof.id,
  })
  await scene.world.pass(50)
}

/** Frames that every neighbour is told, whatever its rights. */
const OPEN_FRAMES: ReadonlySet<string> = new Set(['want', 'revoked', 'notices'])

describe('a reader without a right', () => {
  it('gets no byte and no name of a topic, though it subscribes', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    for (const topic of [CREW, DESK]) {
      spy.transport.allow(NODE, topic)
      await spy.transport.subscribe(topic)
    }
    await scene.world.pass(50)
    await scene.world.until(scene.crew.publish('secret'))
    await scene.world.pass(6_000)
    expect(spy.heard).toEqual([])
    // Whoever is admitted follows the revocations of the organisation, and nothing else.
    expect([...spy.told].filter((topic) => topic !== NODE)).toEqual(['acme.example/revoked'])
    expect(spy.frames.filter(({ kind }) => !OPEN_FRAMES.has(kind))).toEqual([])
    // The member beside it hears all.
    expect(heardOn(scene.raw, CREW).length).toBeGreaterThan(0)
  })

  it('gets no byte of an inbox that it does not host', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const other = await world.node(acme, 'n2.acme.example')
    const bob = await other.host.openAgent(await world.bind(acme, 'bob.acme.example'))
    await world.connect(NODE, 'n2.acme.example')
    const spy = await openReader(scene)
    spy.transport.connect('n2.acme.example')
    await world.pass(100)
    for (const peer of [NODE, 'n2.acme.example']) spy.transport.allow(peer, bob.name)
    await spy.transport.subscribe(bob.name)
    await world.until(scene.desk.send(bob.name, 'secret').catch(() => undefined))
    await world.pass(1_000)
    expect(spy.heard).toEqual([])
  })

  it('learns nothing from marks of topics that are not open', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    await spy.say(NODE, { kind: 'want', mark: spy.mark(NODE, 'ghost.acme.example') })
    await scene.world.pass(50)
    expect(spy.frames.filter(({ kind }) => !OPEN_FRAMES.has(kind))).toEqual([])
  })

  it('cannot compare the marks of two connections', async () => {
    await using scene = await openScene()
    const marks = async (label: string) => {
      const spy = await openReader(scene, label)
      return spy.frames.flatMap((frame) => (frame.kind === 'want' ? [toHex(frame.mark)] : []))
    }
    const [one, other] = [await marks('s1.acme.example'), await marks('s2.acme.example')]
    expect(one.length).toBeGreaterThan(0)
    expect(one.filter((mark) => other.includes(mark))).toEqual([])
  })
})

describe('a right', () => {
  it('honours a subscription that came before it', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const identity = await world.bind(acme, 'late.acme.example', {
      grants: [{ actions: ['subscribe'], topics: [CREW] }],
    })
    const late = await new RawNode(world, acme, identity).meet(NODE)
    late.transport.allow(NODE, CREW)
    await late.transport.subscribe(CREW)
    await world.pass(50)
    await late.join(NODE, CREW)
    await world.until(scene.crew.publish('hello'))
    await world.pass(50)
    expect(heardOn(late, CREW).length).toBeGreaterThan(0)
  })

  it('does not hold with the grant of somebody else', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    const stolen = grantOn(scene.raw.identity, CREW)
    const statements = [...provingStatements(spy.identity, []), stolen]
    scene.decisions.drain()
    await show(scene, spy, { subscribe: stolen, statements })
    expect(rightCodes(scene)).toEqual(['wrong-subject'])
    await scene.world.until(scene.crew.publish('secret'))
    await scene.world.pass(50)
    expect(spy.heard).toEqual([])
  })

  it('does not hold for an agent that did not let this node host it', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    const victim = scene.raw.identity
    const grant = grantOn(victim, CREW)
    const claim = { agent: victim.name, key: victim.signer.publicKey, subscribe: grant }
    scene.decisions.drain()
    await show(scene, spy, { ...claim, statements: provingStatements(victim, [grant]) })
    // Nor with a host grant to another node.
    const host = await grantAnyhow(scene.world, victim, {
      subject: 'n9.acme.example',
      topics: [victim.name],
      actions: ['host'],
    })
    const statements = [...provingStatements(victim, [grant]), host]
    await show(scene, spy, { ...claim, host, statements })
    expect(rightCodes(scene)).toEqual(['not-granted', 'wrong-subject'])
  })

  it('does not hold for a grant without subscribe', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    const grant = await grantAnyhow(scene.world, scene.acme, {
      subject: spy.identity.name,
      topics: [CREW],
      actions: ['publish', 'request', 'answer'],
    })
    const statements = [...provingStatements(spy.identity, []), grant]
    scene.decisions.drain()
    await show(scene, spy, { subscribe: grant, statements })
    expect(rightCodes(scene)).toEqual(['not-granted'])
  })

  it('is refused as incomplete, not as a fault of ours, when its proof was not told', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    scene.decisions.drain()
    const inbox = { kind: 'right', topic: DESK, of: 'inbox', carrier: DESK } as const
    const nobody = { agent: null, agentKey: null, subscribe: null, host: null }
    await spy.say(NODE, { ...inbox, ...nobody, proof: new Uint8Array(32) })
    await scene.world.pass(50)
    expect(rightCodes(scene)).toEqual(['proof-missing'])
    expect(scene.node.host.counts.get('own-fault')).toBeUndefined()
  })

  it('to an inbox cannot come on another node’s name', async () => {
    await using scene = await openScene()
    const spy = await openReader(scene)
    const proof = proofOf(provingStatements(spy.identity, []))
    await spy.prove(NODE, proof)
    scene.decisions.drain()
    await spy.say(NODE, {
      kind: 'right',
      topic: spy.identity.name,
      of: 'inbox',
      carrier: name('n9.acme.example'),
      agent: null,
      agentKey: null,
      subscribe: null,
      host: null,
      proof: proof.id,
    })
    await scene.world.pass(50)
    expect(rightCodes(scene)).toEqual(['wrong-topic'])
  })

  it('ends within a second of its grant, skew included', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const identity = await world.bind(acme, 'late.acme.example', {
      lifetimeSeconds: 10,
      grants: [{ actions: ['subscribe'], topics: [CREW] }],
    })
    const end = world.clock.now() + 10_000 + 60_000
    const late = await new RawNode(world, acme, identity).meet(NODE)
    await late.join(NODE, CREW)
    await world.pass(end - 100 - world.clock.now())
    const before = heardOn(late, CREW).length
    await world.until(scene.crew.publish('still'))
    expect(heardOn(late, CREW).length).toBe(before + 1)
    await world.pass(end + 1_100 - world.clock.now())
    const after = heardOn(late, CREW).length
    await world.until(scene.crew.publish('secret'))
    await world.pass(10_000)
    expect(heardOn(late, CREW)).toHaveLength(after)
  })

  it('ends when the neighbour says so', async () => {
    await using scene = await openScene()
    await scene.raw.say(NODE, { kind: 'end', topic: CREW })
    await scene.world.pass(50)
    const before = heardOn(scene.raw, CREW).length
    await scene.world.until(scene.crew.publish('later'))
    await scene.world.pass(50)
    expect(heardOn(scene.raw, CREW)).toHaveLength(before)
  })

  it('and the topic are over for neighbours when the last member here leaves', async () => {
    await using scene = await openScene()
    await scene.raw.say(NODE, { kind: 'want', mark: scene.raw.mark(NODE, CREW) })
    await scene.world.pass(50)
    scene.raw.frames.length = 0
    await scene.world.until(scene.crew[Symbol.asyncDispose]())
    await scene.world.pass(50)
    expect(scene.raw.frames).toContainEqual({ kind: 'end', topic: CREW })
    expect(await scene.raw.transport.publish(CREW, new Uint8Array(9))).toBe(0)
  })

  it('ends in silence for neighbours that were never shown it', async () => {
    await using scene = await openScene()
    const stranger = await openReader(scene)
    await scene.world.until(scene.crew[Symbol.asyncDispose]())
    await scene.world.pass(50)
    expect(stranger.frames.filter(({ kind }) => kind === 'end')).toEqual([])
  })
})
