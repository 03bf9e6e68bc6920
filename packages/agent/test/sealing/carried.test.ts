import { describe, expect, it } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { plainSealer } from '../../../../test/world/reference/hpke.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { encodeGiven, givingInfo } from '../../src/sealing/group-secret.ts'
import { SECRET_TYPE } from '../../src/sealing/secret-type.ts'
import { SECRET_LIFETIME_MS, SECRET_WAIT_MS } from '../../src/sealing/limits.ts'
import { annsBundle, carry, grantOn, openScene, refusedAs } from '../scene.ts'
import { bodies, CREW, CREW_GRANT, Town } from '../town.ts'
import { CHIEF_GRANT, hand, SECRET, type Hand } from './crew.ts'

/** Two who may read what is sealed, and between them a node whose agent has no encryption key. */
async function openLine() {
  const town = await Town.open(3, { line: true })
  const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
  const bare = await hand(town, 'bare', 2, { sealed: false, sealable: false })
  const far = await hand(town, 'm3', 3)
  await town.world.pass(7_000)
  return { town, chief, bare, far }
}

describe('a node that cannot read what is sealed', () => {
  it('passes it on to those who can, and delivers it to nobody', async () => {
    const { town, chief, bare, far } = await openLine()
    await using _ = town
    const [heard, seen, old] = [far.crew, bare.crew, bare.crew].map((crew, index) =>
      crew.messages(index === 2 ? { history: 10 } : {}),
    )
    await town.world.until(chief.crew.publish(SECRET))
    await town.world.pass(500)
    expect(bodies(heard!)).toEqual([SECRET])
    expect([bodies(seen!), bodies(old!)]).toEqual([[], []])
  })

  it('keeps it for those who missed it, when its sender has gone', async () => {
    const { town, chief, far } = await openLine()
    await using _ = town
    const { network } = town.world
    network.disconnect('n2.acme.example', 'n3.acme.example')
    const heard = far.crew.messages()
    await town.world.until(chief.crew.publish(SECRET))
    await town.world.pass(1_000)
    network.disconnect('n1.acme.example', 'n2.acme.example')
    network.connect('n2.acme.example', 'n3.acme.example')
    await town.world.pass(20_000)
    expect(bodies(heard)).toEqual([SECRET])
  })
})

describe('what is sealed to a secret that is not here', () => {
  const encryption = { secret: new Uint8Array(32) }

  it('is passed on once', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, CREW, { encryption, lifespanMs: 600_000 })
    expect(await carry(scene, made)).toEqual(refusedAs('secret-missing'))
    // Long enough for gossip to have forgotten it.
    await scene.world.pass(200_000)
    expect(await carry(scene, made)).toEqual(refusedAs('duplicate'))
  })

  it('is passed on for nobody who may not publish there', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const grants = [{ actions: ['subscribe'], topics: [CREW] }] as const
    const reader = await world.bind(acme, 'reader.acme.example', { grants })
    const under = grantOn(reader, CREW)
    for (const right of [{}, { under }]) {
      const made = await makeBundle(world, reader, CREW, { encryption, ...right })
      expect(await carry(scene, made)).toEqual(refusedAs('not-granted'))
    }
  })

  it('is passed on no faster than its grant allows', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const slow = { ...CREW_GRANT, conditions: [['messagesPerSecond', 2]] } as const
    const sender = await world.bind(acme, 'slow.acme.example', { grants: [slow] })
    const under = grantOn(sender, CREW)
    const outcomes = []
    for (let first = 1; first <= 3; first++) {
      const made = await makeBundle(world, sender, CREW, { encryption, under, first })
      outcomes.push((await carry(scene, made)).code)
    }
    expect(outcomes).toEqual(['secret-missing', 'secret-missing', 'condition'])
  })
})

/** A secret of a giver's own, to whom it likes. */
async function giveByHand(from: Hand, to: Hand, epoch: number): Promise<void> {
  const { name: giver, signer } = from.agent.identity
  const notAfter = epoch + SECRET_LIFETIME_MS
  const terms = { topic: CREW, giver, giverKey: signer.publicKey, epoch, notAfter }
  const { publicKey } = to.agent.identity.opening!
  const sealer = plainSealer((length) => new Uint8Array(length).fill(9))
  const sealed = await sealer.seal(publicKey, new Uint8Array(32).fill(7), givingInfo(terms))
  const receivers = [{ recipient: nodeSha256(publicKey), sealed }]
  const body = encodeGiven({ epoch, notAfter, invite: from.agent.grants[0]!.id, receivers })
  await from.crew.publish(body, { contentType: SECRET_TYPE, seal: false })
}

describe('a member that is given a secret late', () => {
  it('reads what was sealed with it before, once, in its order', async () => {
    await using town = await Town.open(3)
    const { world } = town
    const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
    const one = await hand(town, 'm2', 2)
    const two = await hand(town, 'm3', 3)
    await world.pass(7_000)
    const heard = two.crew.messages()
    const epoch = world.clock.now() + 60_000
    await world.until(giveByHand(chief, one, epoch))
    await world.pass(500)
    for (let count = 1; count <= 3; count++) await world.until(one.crew.publish(count))
    await world.pass(SECRET_WAIT_MS + 500)
    expect(bodies(heard)).toEqual([])
    await world.until(giveByHand(chief, two, epoch))
    await world.pass(1_000)
    expect(bodies(heard)).toEqual([1, 2, 3])
    await world.pass(20_000)
    expect(bodies(heard)).toEqual([])
  })
})
