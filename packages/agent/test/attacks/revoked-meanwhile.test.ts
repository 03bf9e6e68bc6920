import { issueRevocation, makeNotice, ruleTable, type Host, type Identity } from '@ixj/agent'
import { issueSuccessor, SKEW_MS } from '@ixj/trust'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { ownAnchor, World } from '../../../../test/world/world.ts'
import { CREW, CREW_GRANT } from '../town.ts'

const SECOND = 1_000
let world: World
let acme: Identity

beforeEach(() => {
  world = new World(13)
  acme = world.organisation('acme.example')
})
afterEach(() => world.close())

async function revokeKey({ name, signer }: Identity, at: Host): Promise<void> {
  const target = { kind: 'key', name, key: signer.publicKey } as const
  const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
  await at.takeNotice((await issueRevocation(acme, target, context)).bytes)
}

/** Runs it once, at the first call. */
function once(run: () => Promise<void>): () => Promise<void> {
  let first: Promise<void> | undefined
  return () => (first ??= run())
}

it('a key that is revoked while the policy thinks about its message lets nothing pass', async () => {
  const meanwhile = once(() => revokeKey(ann, host))
  const rules = ruleTable()
  const { host } = await world.node(acme, 'n1.acme.example', {
    policy: {
      decide: async (request) => {
        await meanwhile()
        return await rules.decide(request)
      },
    },
  })
  const grants = [CREW_GRANT]
  const ann = await world.bind(acme, 'ann.acme.example', { grants })
  const group = await (await host.openAgent(ann)).join(CREW)
  const bob = await host.openAgent(await world.bind(acme, 'bob.acme.example', { grants }))
  const inbox = (await bob.join(CREW)).messages()
  await world.until(group.publish('too late').catch(() => undefined))
  await world.pass(3 * SECOND)
  expect([inbox.size, host.counts.get('revoked')]).toEqual([0, 1])
})

it('a node whose key is revoked while we prove our name to it is not admitted', async () => {
  const bound = await world.bind(acme, 'n1.acme.example')
  const slow = { run: async () => {} }
  const signer = {
    publicKey: bound.signer.publicKey,
    sign: async (data: Uint8Array) => {
      await slow.run()
      return await bound.signer.sign(data)
    },
  }
  const n1 = await world.node(acme, 'n1.acme.example', { identity: { ...bound, signer } })
  const n2 = await world.node(acme, 'n2.acme.example')
  slow.run = once(async () => {
    await revokeKey(n2.identity, n1.host)
    await new Promise<void>((done) => world.clock.at(world.clock.now() + SECOND, done))
  })
  world.network.connect('n2.acme.example', 'n1.acme.example')
  await world.pass(4 * SECOND)
  expect(n1.host.neighbours).toEqual([])
  expect(n1.host.counts.get('revoked')).toBe(1)
})

it('a node that an old key of an anchor proved goes when that key has ended', async () => {
  const next = world.key()
  const anchor = { ...ownAnchor(acme), next: nodeSha256(next.publicKey) }
  const n1 = await world.node(acme, 'n1.acme.example', { ownAnchor: anchor })
  await world.node(acme, 'n2.acme.example')
  await world.connect('n1.acme.example', 'n2.acme.example')
  const now = world.clock.now()
  const successor = await issueSuccessor(
    {
      kind: 'successor',
      issuer: acme.name,
      notBefore: now,
      notAfter: now + 60 * SECOND,
      nonce: world.bytes(16),
      name: acme.name,
      newKey: next.publicKey,
      next: null,
    },
    { old: acme.signer, new: next },
    nodeSha256,
  )
  await n1.host.takeNotice(makeNotice(successor, []).bytes)
  await world.pass(60 * SECOND + SKEW_MS - SECOND)
  expect(n1.host.neighbours).toEqual(['n2.acme.example'])
  await world.pass(3 * SECOND)
  expect(n1.host.neighbours).toEqual([])
})
