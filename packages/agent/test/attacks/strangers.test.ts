import type { Identity } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import type { Verifier } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  makeBundle,
  type BundleChanges,
  type MadeBundle,
} from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { foreignAnchor, World, type WorldNode } from '../../../../test/world/world.ts'
import { STRANGER_CHECKS_PER_SECOND } from '../../src/limits.ts'

const NODE = 'n1.acme.example'
const DESK = 'desk.acme.example'
const STRANGERS = 30
const REFUSED = STRANGERS - STRANGER_CHECKS_PER_SECOND

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
let evil: Identity
let node: WorldNode
beforeEach(async () => {
  world = new CountedWorld(1, { latencyMs: [1, 1] })
  acme = world.organisation('acme.example')
  evil = world.organisation('evil.example')
  node = await world.node(acme, NODE, { anchors: [foreignAnchor(evil)] })
  await node.host.openAgent(await world.bind(acme, DESK))
})
afterEach(() => world.close())

/** A neighbour that reaches the desk. */
async function openCarrier(organisation: Identity, label: string): Promise<RawNode> {
  const raw = await new RawNode(world, acme, await world.bind(organisation, label)).meet(NODE)
  await raw.reach(NODE, DESK)
  return raw
}

/** Has the neighbour bring bundles in one ms, their proofs long told; codes and signature checks. */
async function bring(raw: RawNode, bundles: readonly MadeBundle[]) {
  for (const { proof } of bundles) {
    await raw.prove(NODE, proof)
    await world.pass(1)
  }
  await world.pass(50)
  const decisions = node.host.decisions()
  const before = world.checks
  for (const { bytes } of bundles) await raw.transport.publish(DESK, bytes)
  await world.pass(20)
  const codes = decisions.drain().map(({ code }) => code ?? 'accepted')
  decisions.close()
  return {
    checks: world.checks - before,
    refused: codes.filter((code) => code === 'rate').length,
    accepted: codes.filter((code) => code === 'accepted').length,
  }
}

/** A bundle of each of so many names that the organisation has just made. */
async function fromStrangers(changes: () => BundleChanges): Promise<readonly MadeBundle[]> {
  const bundles: MadeBundle[] = []
  for (let index = 0; index < STRANGERS; index++) {
    const stranger = await bindAnyhow(world, evil, `s${index}.evil.example`)
    bundles.push(await makeBundle(world, stranger, DESK, changes()))
  }
  return bundles
}

const CHECKED = { checks: STRANGER_CHECKS_PER_SECOND, refused: REFUSED, accepted: 0 }

describe('strangers', () => {
  it.each<readonly [string, () => BundleChanges]>([
    ['nothing', () => ({})],
    ['a grant that does not exist', () => ({ authority: world.bytes(32) })],
    ['to answer', () => ({ action: 'answer' })],
    ['to answer under a grant', () => ({ action: 'answer', authority: world.bytes(32) })],
  ])('who claim %s get 10 signature checks a second of a neighbour', async (_, changes) => {
    const raw = await openCarrier(evil, 'n1.evil.example')
    expect(await bring(raw, await fromStrangers(changes))).toEqual(CHECKED)
    await world.pass(1_000)
    expect(await bring(raw, await fromStrangers(changes))).toEqual(CHECKED)
  })

  it('who show a grant of their own making get no more', async () => {
    const raw = await openCarrier(evil, 'n1.evil.example')
    const bundles: MadeBundle[] = []
    for (let index = 0; index < STRANGERS; index++) {
      const stranger = await bindAnyhow(world, evil, `s${index}.evil.example`)
      const grant = await grantAnyhow(world, evil, { subject: stranger.name, topics: [DESK] })
      const identity = withStatements(stranger, grant)
      bundles.push(await makeBundle(world, identity, DESK, { under: grant }))
    }
    expect(await bring(raw, bundles)).toEqual(CHECKED)
  })

  it('who show the grant of somebody else get no more', async () => {
    const raw = await openCarrier(evil, 'n1.evil.example')
    const ann = await bindAnyhow(world, acme, 'ann.acme.example')
    const grant = await grantAnyhow(world, acme, { subject: ann.name, topics: [DESK] })
    const bundles: MadeBundle[] = []
    for (let index = 0; index < STRANGERS; index++) {
      const stranger = await bindAnyhow(world, evil, `s${index}.evil.example`)
      const identity = withStatements(stranger, grant)
      bundles.push(await makeBundle(world, identity, DESK, { under: grant }))
    }
    expect(await bring(raw, bundles)).toEqual(CHECKED)
  })

  it('that one neighbour carries take nothing from those of another', async () => {
    const loud = await openCarrier(evil, 'n1.evil.example')
    const quiet = await openCarrier(acme, 'quiet.acme.example')
    expect(await bring(loud, await fromStrangers(() => ({})))).toEqual(CHECKED)
    const stranger = await bindAnyhow(world, acme, 'new.acme.example')
    const bundle = await makeBundle(world, stranger, DESK)
    expect(await bring(quiet, [bundle])).toEqual({ checks: 1, refused: 0, accepted: 0 })
  })

  it('are not those who hold a grant: 100 new sub-agents are heard at once', async () => {
    const raw = await openCarrier(acme, 'raw.acme.example')
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const root = await grantAnyhow(world, acme, {
      subject: bob.name,
      topics: [DESK],
      mayDelegate: [parsePattern('*.bob.acme.example')],
    })
    const bundles: MadeBundle[] = []
    for (let index = 0; index < 100; index++) {
      const child = await bindAnyhow(world, bob, `w${index}.bob.acme.example`)
      const grant = await grantAnyhow(world, bob, {
        subject: child.name,
        topics: [DESK],
        onBehalfOf: acme.name,
        parent: root.id,
        notAfter: root.statement.notAfter,
        notBefore: root.statement.notBefore,
      })
      const identity = withStatements(child, root, grant)
      bundles.push(await makeBundle(world, identity, DESK, { under: grant }))
    }
    expect(await bring(raw, bundles)).toEqual({ checks: 100, refused: 0, accepted: 100 })
  })
})
