import { issueTo, memoryStore, type Identity } from '@ixj/agent'
import { isGrant, SKEW_MS, type ApplicationValue } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { plainSealer } from '../../../../test/world/reference/hpke.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { encodeGiven, givingInfo, type SecretTerms } from '../../src/sealing/group-secret.ts'
import { SECRET_TYPE } from '../../src/sealing/secret-type.ts'
import { SECRET_LIFETIME_MS } from '../../src/sealing/limits.ts'
import { bodies, CREW, CREW_GRANT, Town } from '../town.ts'
import { CHIEF_GRANT, hand, SECRET, secretsIn } from './crew.ts'

const DEN = name('den.owner.acme.example')
const DEN_GRANT = { actions: ['publish', 'subscribe'], topics: [DEN] } as const
const DEPUTY_GRANT = { actions: ['publish', 'subscribe', 'invite'], topics: [DEN] } as const

/** A chief whose `invite` ends after a minute, while all else that it may goes on. */
async function briefChief({ world, acme }: Town): Promise<Identity> {
  const chief = await world.bind(acme, 'chief.acme.example', {
    sealable: true,
    grants: [CREW_GRANT],
  })
  const issued = await issueTo(
    acme,
    { name: chief.name, key: chief.signer.publicKey },
    { lifetimeSeconds: 60, grants: [{ actions: ['invite'], topics: [CREW] }] },
    { clock: world.clock, random: world.bytes, hash: nodeSha256 },
  )
  return { ...chief, statements: [...chief.statements, ...issued.filter(isGrant)] }
}

describe('a right to invite that ends', () => {
  it('hands over to the next giver, and nothing that is said meanwhile is lost', async () => {
    const store = memoryStore()
    await using town = await Town.open(3)
    const { world, acme } = town
    town.nodes.push(await world.node(acme, 'n4.acme.example', { store }))
    await world.connect(...town.nodes.map(({ host }) => host.name))
    const vice = await hand(town, 'vice', 2, { grants: [CHIEF_GRANT] })
    const one = await hand(town, 'm3', 3)
    const two = await hand(town, 'm4', 4)
    await world.pass(5_000)
    // Who comes last has no secret yet, so it makes one.
    const agent = await town.nodes[0]!.host.openAgent(await briefChief(town))
    await using minute = await agent.join(CREW, { sealed: true })
    await world.pass(7_000)
    expect(minute.members()).toHaveLength(4)
    expect((await secretsIn(store))[0]!.giver).toBe(agent.name)
    const heard = two.crew.messages()
    const said: number[] = []
    for (let second = 0; second < 150; second += 3) {
      await world.until(one.crew.publish(second))
      said.push(second)
      await world.pass(3_000)
    }
    await world.pass(1_000)
    expect(bodies(heard)).toEqual(said)
    const [newest, before] = await secretsIn(store)
    expect([newest!.giver, before!.giver]).toEqual([vice.agent.name, agent.name])
  })

  it('leaves a group without another giver silent, a skew after its end', async () => {
    await using town = await Town.open(2)
    const { world } = town
    const agent = await town.nodes[0]!.host.openAgent(await briefChief(town))
    await using minute = await agent.join(CREW, { sealed: true })
    const one = await hand(town, 'm2', 2)
    await world.pass(7_000)
    expect(minute.members()).toHaveLength(2)
    await world.until(one.crew.publish('while it holds'))
    await world.pass(60_000 + SKEW_MS)
    const sending = world.until(one.crew.publish('afterwards'))
    await expect(sending).rejects.toMatchObject({ code: 'unsealable' })
  })
})

/** An owner that gives, a deputy that may, two members, and what the owner's node keeps. */
async function openDen() {
  const stores = Array.from({ length: 4 }, () => memoryStore())
  const town = await Town.open(0)
  const { world, acme } = town
  for (const [index, store] of stores.entries()) {
    town.nodes.push(await world.node(acme, `n${index + 1}.acme.example`, { store }))
  }
  await world.connect(...town.nodes.map(({ host }) => host.name))
  const join = async (label: string, node: number, options = {}) => {
    const agent = await town.agent(label, node, { sealable: true, ...options })
    return { agent, den: await agent.join(DEN, { sealed: true }) }
  }
  const owner = await join('owner', 1)
  const deputy = await join('deputy', 2, { grants: [DEPUTY_GRANT] })
  const kept = await join('kept', 3, { grants: [DEN_GRANT] })
  const left = await join('left', 4, { grants: [DEN_GRANT] })
  await world.pass(7_000)
  return { town, owner, deputy, kept, left, stores }
}

type Member = Awaited<ReturnType<typeof openDen>>['owner']

/** A secret given by hand, to whom the giver likes. */
async function giveByHand(from: Member, to: readonly Member[], epoch: number): Promise<void> {
  const { name: giver, signer } = from.agent.identity
  const notAfter = epoch + SECRET_LIFETIME_MS
  const terms: SecretTerms = { topic: DEN, giver, giverKey: signer.publicKey, epoch, notAfter }
  const sealer = plainSealer((length) => new Uint8Array(length).fill(9))
  const receivers = []
  for (const { agent } of to) {
    const key = agent.identity.opening!.publicKey
    const sealed = await sealer.seal(key, new Uint8Array(32).fill(7), givingInfo(terms))
    receivers.push({ recipient: nodeSha256(key), sealed })
  }
  const invite = from.agent.grants[0]!.id
  const body: ApplicationValue = encodeGiven({ epoch, notAfter, invite, receivers })
  await from.den.publish(body, { contentType: SECRET_TYPE, seal: false })
}

describe('a giver that leaves a member out', () => {
  it('takes the group from no owner that is there, however often it gives', async () => {
    const { town, owner, deputy, kept, left, stores } = await openDen()
    await using _ = town
    const { world } = town
    const heard = left.den.messages()
    const before = await secretsIn(stores[0]!, DEN)
    const said: string[] = []
    for (let round = 0; round < 20; round++) {
      await world.until(giveByHand(deputy, [owner, kept], world.clock.now() + 60_000))
      await world.pass(1_000)
      await world.until(kept.den.publish(`${SECRET} ${round}`))
      said.push(`${SECRET} ${round}`)
      await world.pass(1_000)
    }
    expect(bodies(heard)).toEqual(said)
    // And no war of secrets: the owner made not one more.
    const byOwner = (await secretsIn(stores[0]!, DEN)).filter(
      ({ giver }) => giver === owner.agent.name,
    )
    expect(byOwner.map(({ idText }) => idText)).toEqual([before[0]!.idText])
  })

  it('gives way to an owner that comes', async () => {
    const { town, owner, deputy, kept, left, stores } = await openDen()
    await using _ = town
    const { world } = town
    await world.until(owner.den[Symbol.asyncDispose]())
    await world.pass(2_000)
    await world.until(giveByHand(deputy, [kept], world.clock.now() + 60_000))
    await world.pass(2_000)
    const back = await owner.agent.join(DEN, { sealed: true })
    await world.pass(7_000)
    const heard = left.den.messages()
    await world.until(kept.den.publish(SECRET))
    await world.pass(1_000)
    expect(bodies(heard)).toEqual([SECRET])
    const epochs = (await secretsIn(stores[2]!, DEN)).length
    await world.pass(60_000)
    expect((await secretsIn(stores[2]!, DEN)).length).toBe(epochs)
    await world.until(back[Symbol.asyncDispose]())
  })
})

describe('an owner that was away', () => {
  it('makes another secret when it comes back: who was removed meanwhile may have the last', async () => {
    const { town, owner, deputy, kept, stores } = await openDen()
    await using _ = town
    const { world } = town
    const [old] = await secretsIn(stores[2]!, DEN)
    expect(old!.giver).toBe(owner.agent.name)
    await world.until(owner.den[Symbol.asyncDispose]())
    await world.pass(3_000)
    expect((await secretsIn(stores[2]!, DEN))[0]!.giver).toBe(deputy.agent.name)
    await world.until(deputy.den[Symbol.asyncDispose]())
    await world.pass(3_000)
    await world.until(kept.den.publish('by the deputy’s still'))
    await owner.agent.join(DEN, { sealed: true })
    await world.pass(7_000)
    const [newest] = await secretsIn(stores[2]!, DEN)
    expect(newest!.giver).toBe(owner.agent.name)
    expect(newest!.idText).not.toBe(old!.idText)
  })
})
