import type { Identity } from '@ixj/agent'
import { decode, encode, type SignedStatement, type Value, type Verifier } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proofOf, type MadeProof } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { name, World, type WorldNode } from '../../../../test/world/world.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { HELLO_STATEMENTS_MAX } from '../../src/limits.ts'
import { HELLO_PROTOCOL } from '../../src/transport.ts'

const NODE = 'n1.acme.example'

/** A world that counts the signatures that are checked in it. */
class CountedWorld extends World {
  checks = 0
  override readonly verifier = countedVerifier(() => (this.checks += 1))
}

function countedVerifier(count: () => void): Verifier {
  const real = openNodeVerifier()
  return {
    verify: (...args) => {
      count()
      return real.verify(...args)
    },
  }
}

let world: CountedWorld
let acme: Identity
let node: WorldNode
/** An honest neighbour, who asks the node what it has. */
let reader: RawNode
beforeEach(async () => {
  world = new CountedWorld(1, { latencyMs: [1, 1] })
  acme = world.organisation('acme.example')
  node = await world.node(acme, NODE)
  reader = await new RawNode(world, acme, await world.bind(acme, 'reader.acme.example')).meet(NODE)
})
afterEach(() => world.close())

/** Codes of the hellos from now on. */
function watchHellos() {
  const queue = node.host.decisions()
  return () =>
    queue
      .drain()
      .filter(({ about }) => about === 'hello')
      .map(({ code }) => code ?? 'admitted')
}

/** A binding of this name to this key, signed by that signer in its issuer's name. */
async function bindingBy(
  issuer: Pick<Identity, 'name' | 'signer'>,
  subject: Pick<Identity, 'name' | 'signer'>,
): Promise<SignedStatement> {
  const changes = { key: subject.signer.publicKey }
  const bound = await bindAnyhow(world, { ...issuer, statements: [] }, subject.name, changes)
  return bound.statements.at(-1)!
}

/** Whether the node knows a proof and how many of its statements it has, as neighbours may ask. */
async function heldOf(proof: MadeProof): Promise<{ known: boolean; statements: number }> {
  const ask = async () => {
    reader.frames.length = 0
    await reader.say(NODE, { kind: 'fetch', proof: proof.id })
    await world.pass(50)
    return [...reader.frames]
  }
  const known = !(await ask()).some(({ kind }) => kind === 'unknown')
  await reader.say(NODE, { kind: 'proof', bytes: proof.bytes })
  const told = (await ask()).map((frame) =>
    frame.kind === 'statements' ? frame.envelopes.length : 0,
  )
  return { known, statements: told.reduce((sum, count) => sum + count, 0) }
}

const NOTHING = { known: false, statements: 0 }

const strangers: readonly (readonly [string, string, () => Promise<Identity>])[] = [
  [
    'of an organisation that is not trusted',
    'no-anchor',
    () => bindAnyhow(world, world.organisation('evil.example'), 'n1.evil.example'),
  ],
  [
    'that bound a trusted name to itself',
    'no-chain',
    async () => {
      const self = { name: name('n9.acme.example'), signer: world.key() }
      const binding = await bindingBy({ name: acme.name, signer: self.signer }, self)
      return { ...self, statements: [binding] }
    },
  ],
  [
    'whose binding is forged in the anchor’s name',
    'bad-signature',
    async () => {
      const self = { name: name('n9.acme.example'), signer: world.key() }
      const { publicKey } = acme.signer
      const forger = { ...self.signer, publicKey, sign: self.signer.sign.bind(self.signer) }
      const binding = await bindingBy({ name: acme.name, signer: forger }, self)
      return { ...self, statements: [binding] }
    },
  ],
  [
    'that has the statements of another node, but not its key',
    'bad-signature',
    async () => {
      const honest = await world.bind(acme, 'n9.acme.example')
      const other = world.key()
      const { publicKey } = honest.signer
      return { ...honest, signer: { ...other, publicKey, sign: other.sign.bind(other) } }
    },
  ],
]

describe('a hello that does not hold', () => {
  it.each(strangers)('by a node %s leaves nothing behind', async (_, code, make) => {
    const stranger = await make()
    const hellos = watchHellos()
    const proof = proofOf(provingStatements(stranger, []))
    expect(proof.statements).toHaveLength(1)
    await new RawNode(world, acme, stranger, 'stranger').meet(NODE)
    expect(hellos()).toEqual([code])
    expect(world.network.isConnected(NODE, 'stranger')).toBe(true)
    expect(await heldOf(proof)).toEqual(NOTHING)
  })

  it('and one that does: only the links of the chain stay, as long as the neighbour', async () => {
    const identity = await world.bind(acme, 'n2.acme.example')
    const proof = proofOf(provingStatements(identity, []))
    await new RawNode(world, acme, identity).meet(NODE)
    expect(node.host.neighbours).toContain('n2.acme.example')
    expect(await heldOf(proof)).toEqual({ known: false, statements: 1 })
    world.network.disconnect(NODE, 'n2.acme.example')
    await world.pass(50)
    expect(await heldOf(proof)).toMatchObject({ statements: 0 })
  })

  it('costs no signature check, with as many self-signed statements as there may be', async () => {
    const self = { name: name('n1.evil.example'), signer: world.key() }
    const issuer = { name: name('evil.example'), signer: self.signer }
    const statements: SignedStatement[] = []
    for (let index = 0; index < HELLO_STATEMENTS_MAX; index++) {
      statements.push(await bindingBy(issuer, self))
    }
    const hellos = watchHellos()
    const before = world.checks
    const stranger = new RawNode(world, acme, { ...self, statements }, 'stranger')
    await stranger.meet(NODE)
    expect(hellos()).toEqual(['no-anchor'])
    expect(stranger.helloFrames.sent).toHaveLength(2)
    expect(world.checks - before).toBe(0)
    // The same eye sees the checks of a hello that holds.
    await new RawNode(world, acme, await world.bind(acme, 'n2.acme.example')).meet(NODE)
    expect(hellos()).toEqual(['admitted'])
    expect(world.checks - before).toBeGreaterThan(1)
  })

  it('with more statements than a chain has is refused unread', async () => {
    const self = { name: name('n1.evil.example'), signer: world.key() }
    const issuer = { name: name('evil.example'), signer: self.signer }
    const statements: SignedStatement[] = []
    for (let index = 0; index <= HELLO_STATEMENTS_MAX; index++) {
      statements.push(await bindingBy(issuer, self))
    }
    const hellos = watchHellos()
    const before = world.checks
    await new RawNode(world, acme, { ...self, statements }, 'stranger').meet(NODE)
    expect(hellos()).toEqual(['form'])
    expect(world.checks - before).toBe(0)
  })
})

describe('a connection', () => {
  it('has one hello: further ones are closed without a word', async () => {
    const raw = new RawNode(world, acme, await world.bind(acme, 'n2.acme.example'))
    raw.greets = false
    await raw.meet(NODE)
    const answers: unknown[][] = []
    const ended = new Set<number>()
    for (let index = 0; index < 4; index++) {
      const channel = await world.until(raw.transport.openChannel(NODE, HELLO_PROTOCOL))
      const kinds: unknown[] = []
      answers.push(kinds)
      const read = async () => {
        for await (const frame of channel.frames()) {
          kinds.push((decode(frame) as readonly Value[])[1])
        }
        ended.add(index)
      }
      read().catch(() => ended.add(index))
      const opened = channel.send(encode([1, 'open', world.bytes(32)]))
      opened.catch(() => 'it was closed before')
      await world.pass(20)
    }
    expect(answers).toEqual([['challenge'], [], [], []])
    expect([...ended]).toEqual([1, 2, 3])
    // The next connection has its own.
    world.network.disconnect(NODE, raw.peer)
    await world.pass(50)
    raw.greets = true
    await raw.meet(NODE)
    expect(node.host.neighbours).toContain('n2.acme.example')
  })
})
