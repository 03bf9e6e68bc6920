import { makeNotice, type Identity } from '@ixj/agent'
import { issueSuccessor, SKEW_MS, type SignedStatement } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crossAnyhow } from '../../../../test/world/made-statement.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { ownAnchor as defaultAnchor, World } from '../../../../test/world/world.ts'

const OVERLAP_MS = 600_000
const [N1, N2, FOREIGN] = ['n1.acme.example', 'n2.acme.example', 'n1.globex.example']

let world: World
let acme: Identity
let globex: Identity
/** Globex with the key that it committed to. */
let next: Identity
let certificate: SignedStatement

beforeEach(async () => {
  world = new World(11)
  acme = world.organisation('acme.example')
  globex = world.organisation('globex.example')
  next = { ...globex, signer: world.key() }
  const commitment = nodeSha256(next.signer.publicKey)
  certificate = await crossAnyhow(world, acme, globex, { next: commitment })
})
afterEach(() => world.close())

async function successorOf(identity: Identity): Promise<Uint8Array> {
  const now = world.clock.now()
  const signed = await issueSuccessor(
    {
      kind: 'successor',
      issuer: globex.name,
      notBefore: now,
      notAfter: now + OVERLAP_MS,
      nonce: world.bytes(16),
      name: globex.name,
      newKey: identity.signer.publicKey,
      next: null,
    },
    { old: globex.signer, new: identity.signer },
    nodeSha256,
  )
  return makeNotice(signed, []).bytes
}

/** Two nodes of acme that certified globex, connected. */
async function openTwo() {
  const crossCertificates = [certificate]
  const n1 = await world.node(acme, N1, { crossCertificates })
  const n2 = await world.node(acme, N2, { crossCertificates })
  await world.connect(N1, N2)
  return [n1, n2] as const
}

/** A node of globex that the key of this identity bound, connected to acme's second node. */
async function meetBy(identity: Identity, label = FOREIGN) {
  const back = await crossAnyhow(world, globex, acme)
  const bound = await world.bind(identity, label)
  const keys = [globex.signer.publicKey, next.signer.publicKey]
  const ownAnchor = { ...defaultAnchor(globex), keys }
  const options = { identity: bound, crossCertificates: [back], ownAnchor }
  const node = await world.node(globex, label, options)
  await world.connect(N2, label)
  return node
}

describe('a successor of a certified organisation', () => {
  it('reaches the nodes that certified it, and its new key is let in', async () => {
    const [n1, n2] = await openTwo()
    await n1.host.takeNotice(await successorOf(next))
    await world.pass(500)
    await meetBy(next)
    expect(n2.host.neighbours).toContain(FOREIGN)
  })

  it('ends the old key after the overlap', async () => {
    const [n1, n2] = await openTwo()
    await n1.host.takeNotice(await successorOf(next))
    await world.pass(OVERLAP_MS + SKEW_MS + 1_000)
    await meetBy(globex)
    expect(n2.host.neighbours).not.toContain(FOREIGN)
  })

  it('changes nothing with another key than the one committed to', async () => {
    const [n1, n2] = await openTwo()
    const thief = { ...globex, signer: world.key() }
    await expect(n1.host.takeNotice(await successorOf(thief))).rejects.toMatchObject({
      code: 'not-granted',
    })
    await world.pass(OVERLAP_MS + SKEW_MS + 1_000)
    await meetBy(globex)
    expect(n2.host.neighbours).toContain(FOREIGN)
  })
})
