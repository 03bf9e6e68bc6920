import type { Identity } from '@ixj/agent'
import { openNodeVerifier } from '@ixj/node'
import { parsePattern } from '@ixj/names'
import { encode, type SignedStatement, TrustError, type Verifier } from '@ixj/trust'
import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { makeBundle, proofOf } from '../world/made-bundle.ts'
import { bindAnyhow, crossAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { name, World } from '../world/world.ts'
import { CREW, openStation } from './bench.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const LIMIT_MS = 1
const TIMES = isFull ? 501 : 51
/** A machine that is busy with other tests must not count; at full counts it is the median. */
const PART = isFull ? 0.5 : 0.05

/** Counts how often it is asked. */
class Counting implements Verifier {
  readonly #real = openNodeVerifier()
  calls = 0

  verify(...given: Parameters<Verifier['verify']>): boolean | Promise<boolean> {
    this.calls += 1
    return this.#real.verify(...given)
  }
}

/** Something that a peer has signed to make a verifier work. */
interface Bomb {
  readonly what: string
  readonly sender: Identity
  readonly statements: readonly SignedStatement[]
  readonly under?: Awaited<ReturnType<typeof grantAnyhow>>
}

/** 64 bindings, one under the other: more than a chain may have. */
async function depthBomb(world: World, acme: Identity): Promise<Bomb> {
  let sender = acme
  for (let link = 0; link < 40; link++) {
    sender = await bindAnyhow(world, sender, `a.${sender.name}`, { depth: 16 })
  }
  return { what: 'a depth bomb of bindings', sender, statements: sender.statements }
}

/** Two keys of each name on the way, each bound by both of the name above. */
async function diamond(world: World, acme: Identity): Promise<Bomb> {
  const stranger = { ...acme, signer: world.key() }
  let level: readonly Identity[] = [stranger]
  const statements: SignedStatement[] = []
  for (let depth = 0; depth < 16; depth++) {
    const text = `a.${level[0]!.name}`
    const children = [world.key(), world.key()]
    for (const parent of level) {
      for (const signer of children) {
        const bound = await bindAnyhow(world, parent, text, { key: signer.publicKey, depth: 16 })
        statements.push(bound.statements.at(-1)!)
      }
    }
    level = children.map((signer) => ({ name: name(text), signer, statements: [] }))
  }
  return { what: 'a diamond of bindings', sender: level[0]!, statements }
}

/** 17 grants, each a part of the one before. */
async function grantBomb(world: World, acme: Identity): Promise<Bomb> {
  const bob = await bindAnyhow(world, acme, 'bob.acme.example')
  const holder = { subject: bob.name, topics: [CREW], mayDelegate: [parsePattern(bob.name)] }
  const chain = [await grantAnyhow(world, acme, holder)]
  for (let link = 1; link < 60; link++) {
    const parent = chain.at(-1)!.id
    chain.push(await grantAnyhow(world, bob, { ...holder, onBehalfOf: acme.name, parent }))
  }
  const sender = withStatements(bob, ...chain)
  const under = chain.at(-1)!
  return { what: 'a depth bomb of grants', sender, statements: sender.statements, under }
}

/** Every organisation certifies every other, all of them wide open. */
async function crossCycles(world: World): Promise<Bomb> {
  const all = Array.from({ length: 8 }, (_, index) => world.organisation(`o${index}.example`))
  const introduces = all.map((each) => String(each.name))
  const statements: SignedStatement[] = []
  for (const issuer of all) {
    for (const subject of all) {
      if (issuer === subject) continue
      statements.push(await crossAnyhow(world, issuer, subject, { introduces, hops: 3 }))
    }
  }
  return { what: 'cycles of cross-certificates', sender: all[0]!, statements }
}

/** Four layers of four organisations, each certified by all of the layer before. */
async function crossDiamond(world: World): Promise<Bomb> {
  const layers = Array.from({ length: 5 }, (_, layer) =>
    Array.from({ length: 4 }, (__, index) => world.organisation(`o${index}.l${layer}.example`)),
  )
  const introduces = layers.flat().map((each) => String(each.name))
  const statements: SignedStatement[] = []
  for (const [layer, subjects] of layers.slice(1).entries()) {
    for (const issuer of layers[layer]!) {
      for (const subject of subjects) {
        const wide = { introduces, hops: 3 }
        if (statements.length < 64) statements.push(await crossAnyhow(world, issuer, subject, wide))
      }
    }
  }
  return { what: 'a diamond of cross-certificates', sender: layers[4]![0]!, statements }
}

/** As many names' keys as fit, all of one name: each may be the one. */
async function manyKeys(world: World, acme: Identity): Promise<Bomb> {
  const stranger = { ...acme, signer: world.key() }
  const bound = await Promise.all(
    Array.from({ length: 63 }, () => bindAnyhow(world, stranger, 'bob.acme.example')),
  )
  const statements = bound.map((each) => each.statements.at(-1)!)
  return { what: '63 keys of one name', sender: bound[0]!, statements }
}

const typical = (sample: readonly number[]) =>
  sample.toSorted((left, right) => left - right)[Math.floor(sample.length * PART)]!

test(
  'bombs of bindings, grants and cross-certificates are refused within a millisecond',
  async () => {
    const world = new World(SEED)
    const acme = world.organisation('acme.example')
    const verifier = new Counting()
    await using station = await openStation(world, acme, { verifier })
    const { core } = station
    const bombs = [
      await depthBomb(world, acme),
      await diamond(world, acme),
      await grantBomb(world, acme),
      await crossCycles(world),
      await crossDiamond(world),
      await manyKeys(world, acme),
    ]
    const slow: string[] = []
    const took: number[] = []
    let checks = 0
    const note = (what: string, times: readonly number[]) => {
      took.push(typical(times))
      if (typical(times) > LIMIT_MS) slow.push(`${what}: ${typical(times).toFixed(3)} ms`)
    }
    for (const { what, sender, statements, under } of bombs) {
      const made = proofOf(statements)
      core.proofs.compose(await core.keepStatements(statements))
      core.proofs.add(core.proofs.read(made.bytes), 'peer')
      const grant = under === undefined ? {} : { under }
      const times: number[] = []
      for (let time = 0; time < TIMES; time++) {
        await world.pass(1_000)
        const fresh = await makeBundle(world, sender, CREW, { made, ...grant })
        // A node checks statuses as time passes; what counts is what the bundle costs.
        const before = verifier.calls
        const start = performance.now()
        const verdict = await core.reception.message(CREW, fresh.bytes, 'peer')
        times.push(performance.now() - start)
        checks += verifier.calls - before
        expect(verdict, what).toBe('ignore')
      }
      note(what, times)
    }
    // More than a proof may name is refused as it is read.
    for (const [what, count] of [
      ['65 statements', 65],
      ['1,000 keys of one name', 1_000],
    ] as const) {
      const bytes = encode([Array.from({ length: count }, () => world.bytes(32)), [], [], null])
      const times: number[] = []
      for (let time = 0; time < TIMES; time++) {
        const start = performance.now()
        expect(() => core.proofs.read(bytes), what).toThrow(TrustError)
        times.push(performance.now() - start)
      }
      note(what, times)
    }
    // A grant's chain is read after its holder's name, so the bundle's own signature may be checked.
    expect(checks).toBeLessThanOrEqual(TIMES)
    const row = {
      id: 'A5',
      what: `bombs that were refused: bindings, grants, cross-certificates, keys`,
      count: slow.length,
      of: took.length,
      counted: `took more than ${LIMIT_MS} ms`,
      goal: 'none',
      note: [
        `slowest ${Math.max(...took).toFixed(3)} ms for ${PART} of the times`,
        `${(checks / TIMES / bombs.length).toFixed(1)} signature checks each`,
        ...slow,
      ].join(', '),
    } as const
    expect(report(row)).toBe('met')
  },
  ROW_MS_MAX,
)
