import { issueRevocation, issueTo, memoryStore } from '@ixj/agent'
import { toHex, type RevocationTarget } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { plainSealer } from '../../../../test/world/reference/hpke.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { encodeGiven, givingInfo, type SecretTerms } from '../../src/sealing/group-secret.ts'
import { SECRET_TYPE } from '../../src/sealing/secret-type.ts'
import { SECRET_LIFETIME_MS, SECRET_RAISE_MS_MIN } from '../../src/sealing/limits.ts'
import { bodies, CREW, CREW_GRANT, Town } from '../town.ts'
import { CHIEF_GRANT, hand, SECRET, secretsIn, type Hand } from './crew.ts'

/** A town whose nodes keep what they know of the crew's secrets in stores that a test can read. */
async function openWatched(members: number) {
  const town = await Town.open(0)
  const { world, acme } = town
  const stores = Array.from({ length: members + 1 }, () => memoryStore())
  for (const [index, store] of stores.entries()) {
    town.nodes.push(await world.node(acme, `n${index + 1}.acme.example`, { store }))
  }
  await world.connect(...town.nodes.map(({ host }) => host.name))
  const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
  const hands: Hand[] = []
  for (let node = 2; node <= members + 1; node++) hands.push(await hand(town, `m${node}`, node))
  await world.pass(7_000)
  const secrets = (node: number) => secretsIn(stores[node - 1]!)
  return { town, chief, hands, secrets }
}

async function revoke(town: Town, target: RevocationTarget): Promise<void> {
  const { world, acme, nodes } = town
  const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
  await nodes[0]!.host.takeNotice((await issueRevocation(acme, target, context)).bytes)
  await world.pass(SECRET_RAISE_MS_MIN + 2_000)
}

const keyOf = ({ agent }: Hand) =>
  ({ kind: 'key', name: agent.name, key: agent.identity.signer.publicKey }) as const

/** A secret given by hand, as any program that has a member's key could. */
async function giveByHand(
  from: Hand,
  to: readonly Hand[],
  changes: Partial<SecretTerms> & { readonly invite?: Uint8Array | null } = {},
): Promise<void> {
  const { agent, crew } = from
  const { invite = null, ...differing } = changes
  const epoch = changes.epoch ?? Date.UTC(2026, 10, 1)
  const terms: SecretTerms = {
    topic: CREW,
    giver: agent.name,
    giverKey: agent.identity.signer.publicKey,
    epoch,
    notAfter: epoch + SECRET_LIFETIME_MS,
    ...differing,
  }
  const sealer = plainSealer((length) => new Uint8Array(length).fill(9))
  const receivers = []
  for (const { agent: member } of to) {
    const key = member.identity.opening!.publicKey
    const sealed = await sealer.seal(key, new Uint8Array(32).fill(7), givingInfo(terms))
    receivers.push({ recipient: nodeSha256(key), sealed })
  }
  const { notAfter } = terms
  const body = encodeGiven({ epoch, notAfter, invite, receivers })
  await crew.publish(body, { contentType: SECRET_TYPE, seal: false })
}

describe('a member that was removed', () => {
  it('by the revocation of its key lacks what the others seal with from then on', async () => {
    const { town, chief, hands, secrets } = await openWatched(2)
    await using _ = town
    const [one, two] = hands
    const before = (await secrets(2))[0]!
    expect((await secrets(3))[0]!.idText).toBe(before.idText)
    await revoke(town, keyOf(two!))
    const after = (await secrets(2))[0]!
    expect(after.epoch).toBeGreaterThan(before.epoch)
    const known = (await secrets(3)).map(({ idText }) => idText)
    expect(known).not.toContain(after.idText)
    const queue = chief.crew.messages()
    await town.world.until(one!.crew.publish(SECRET))
    await town.world.pass(500)
    expect(bodies(queue)).toEqual([SECRET])
  })

  it('by the end of its binding lacks it too', async () => {
    const { town, secrets } = await openWatched(1)
    await using _ = town
    const { world } = town
    await world.node(town.acme, 'n3.acme.example').then((node) => town.nodes.push(node))
    await world.connect('n1.acme.example', 'n2.acme.example', 'n3.acme.example')
    await hand(town, 'brief', 3, { lifetimeSeconds: 60 })
    await world.pass(7_000)
    const before = (await secrets(2))[0]!
    await world.pass(60_000 + 60_000 + SECRET_RAISE_MS_MIN)
    expect((await secrets(2))[0]!.epoch).toBeGreaterThan(before.epoch)
  })

  it('by leaving of its own accord changes nothing: it may come back', async () => {
    const { town, hands, secrets } = await openWatched(2)
    await using _ = town
    const before = (await secrets(2))[0]!
    await town.world.until(hands[1]!.crew[Symbol.asyncDispose]())
    await town.world.pass(30_000)
    expect((await secrets(2))[0]!.idText).toBe(before.idText)
  })
})

describe('a secret that is given', () => {
  it.each([
    ['by a member without invite that says it owns the group', null],
    ['by a member that names a grant of its own without invite', 'own'],
    ['by a member that names somebody’s invite', 'chief'],
  ] as const)('%s is refused, and nobody seals with it', async (_what, which) => {
    const { town, chief, hands, secrets } = await openWatched(2)
    await using _ = town
    const [one, two] = hands
    const { world } = town
    const grants = { own: one!.agent.grants[0]!.id, chief: chief.agent.grants[0]!.id }
    const invite = which === null ? null : grants[which]
    const epoch = world.clock.now() + 1_000
    await world.until(giveByHand(one!, [two!, chief], { epoch, invite }))
    await world.pass(1_000)
    expect((await secrets(3)).map(({ giver }) => giver)).toEqual([chief.agent.name])
    const counts = two!.node.host.counts
    const codes = ['not-granted', 'wrong-subject', 'missing-statement'] as const
    expect(codes.some((code) => (counts.get(code) ?? 0) > 0)).toBe(true)
  })

  it('for an epoch far ahead is refused', async () => {
    const { town, chief, hands, secrets } = await openWatched(1)
    await using _ = town
    const { world } = town
    const invite = chief.agent.grants[0]!.id
    const epoch = world.clock.now() + 200_000
    await world.until(giveByHand(chief, hands, { epoch, invite }))
    await world.pass(1_000)
    expect(await secrets(2)).toHaveLength(1)
    expect(hands[0]!.node.host.counts.get('future')).toBe(1)
  })

  it('under other terms than it was sealed for does not open', async () => {
    const { town, chief, hands, secrets } = await openWatched(1)
    await using _ = town
    const { world } = town
    const giverKey = new Uint8Array(32)
    const epoch = world.clock.now()
    await world.until(giveByHand(hands[0]!, [], { epoch }))
    await world.until(giveByHand(chief, hands, { epoch, giverKey, invite: inviteOf(chief) }))
    await world.pass(1_000)
    expect(await secrets(2)).toHaveLength(1)
    expect(hands[0]!.node.host.counts.get('body')).toBe(1)
  })

  it('for an epoch of before opens, and seals nothing', async () => {
    const { town, chief, hands, secrets } = await openWatched(1)
    await using _ = town
    const { world } = town
    const newest = (await secrets(2))[0]!
    const epoch = newest.epoch - 1_000
    await world.until(giveByHand(chief, hands, { epoch, invite: inviteOf(chief) }))
    await world.pass(1_000)
    expect((await secrets(2)).map((secret) => secret.epoch)).toEqual([newest.epoch, epoch])
    const queue = chief.crew.messages()
    await world.until(hands[0]!.crew.publish(SECRET))
    await world.pass(500)
    // The chief never had the other one.
    expect(bodies(queue)).toEqual([SECRET])
  })
})

const inviteOf = ({ agent }: Hand) => agent.grants[0]!.id

describe('a member with an encryption key that is none', () => {
  it('keeps nobody from the secret, and is counted', async () => {
    await using town = await Town.open(3)
    const { world, acme } = town
    const { signer } = await world.bind(acme, 'odd.acme.example')
    const odd = { name: name('odd.acme.example'), signer, opening: undefined }
    const statements = await issueTo(
      acme,
      { name: odd.name, key: signer.publicKey, encryptionKey: new Uint8Array(32) },
      { lifetimeSeconds: 3_600, grants: [CREW_GRANT] },
      { clock: world.clock, random: world.bytes, hash: nodeSha256 },
    )
    const agent = await town.nodes[1]!.host.openAgent({ ...odd, statements })
    await agent.join(CREW)
    await world.pass(7_000)
    const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
    const one = await hand(town, 'm3', 3)
    await world.pass(7_000)
    const queue = one.crew.messages()
    await world.until(chief.crew.publish(SECRET))
    await world.pass(500)
    expect(bodies(queue)).toEqual([SECRET])
    expect(chief.node.host.counts.get('bad-key')).toBeGreaterThan(0)
  })
})

describe('two givers', () => {
  it('that raise at one moment leave a group in which all read all', async () => {
    await using town = await Town.open(4)
    const { world } = town
    const all = [
      await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] }),
      await hand(town, 'vice', 2, { grants: [CHIEF_GRANT] }),
      await hand(town, 'm3', 3),
      await hand(town, 'm4', 4),
    ]
    await world.pass(7_000)
    const queues = all.map(({ crew }) => crew.messages())
    for (const [index, { crew }] of all.entries()) await world.until(crew.publish(`by ${index}`))
    await world.pass(500)
    for (const [index, queue] of queues.entries()) {
      const others = all.flatMap((_hand, other) => (other === index ? [] : [`by ${other}`]))
      expect(new Set(bodies(queue))).toEqual(new Set(others))
    }
  })

  it('of which one is revoked: nobody seals with its secret any more', async () => {
    const { town, chief, hands, secrets } = await openWatched(2)
    await using _ = town
    const { world } = town
    const grants = [CHIEF_GRANT]
    await world.node(town.acme, 'n4.acme.example').then((node) => town.nodes.push(node))
    await world.connect(...town.nodes.map(({ host }) => host.name))
    const vice = await hand(town, 'vice', 4, { grants })
    await world.pass(7_000)
    await world.until(chief.crew[Symbol.asyncDispose]())
    await world.pass(30_000)
    const byVice = (await secrets(2))[0]!
    expect(byVice.giver).toBe(vice.agent.name)
    const again = await hand(town, 'chief2', 1, { grants })
    await world.pass(7_000)
    await revoke(town, keyOf(vice))
    await world.pass(30_000)
    const newest = (await secrets(2))[0]!
    expect(newest.giver).toBe(again.agent.name)
    expect(toHex(newest.id)).not.toBe(byVice.idText)
    const queue = hands[1]!.crew.messages()
    await world.until(hands[0]!.crew.publish(SECRET))
    await world.pass(500)
    expect(bodies(queue)).toEqual([SECRET])
  })
})

describe('a partition', () => {
  it('in which each side raised heals: what was said on either side is read on the other', async () => {
    await using town = await Town.open(4)
    const { world } = town
    const left = [
      await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] }),
      await hand(town, 'm2', 2),
    ]
    const right = [
      await hand(town, 'vice', 3, { grants: [CHIEF_GRANT] }),
      await hand(town, 'm4', 4),
    ]
    await world.pass(7_000)
    for (const one of [1, 2]) {
      for (const other of [3, 4]) {
        world.network.disconnect(`n${one}.acme.example`, `n${other}.acme.example`)
      }
    }
    await world.pass(60_000)
    const queues = [left[1]!, right[1]!].map(({ crew }) => crew.messages())
    await world.until(left[0]!.crew.publish('from the left'))
    await world.until(right[0]!.crew.publish('from the right'))
    await world.pass(1_000)
    await world.connect(...town.nodes.map(({ host }) => host.name))
    await world.pass(20_000)
    for (const queue of queues) {
      expect(new Set(bodies(queue))).toEqual(new Set(['from the left', 'from the right']))
    }
  })
})
