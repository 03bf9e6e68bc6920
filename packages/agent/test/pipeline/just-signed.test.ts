import type { Agent, Group } from '@ixj/agent'
import type { Verifier } from '@ixj/trust'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { World } from '../../../../test/world/world.ts'
import { CREW, crewGrant } from '../scene.ts'

let world: World
let checks = 0
let ann: Group
let bob: Group
let far: Group

/** Counts the signatures that one node checks. */
function counted(): Verifier {
  const real = openNodeVerifier()
  return {
    verify: (...given) => {
      checks += 1
      return real.verify(...given)
    },
  }
}

beforeEach(async () => {
  world = new World()
  const acme = world.organisation('acme.example')
  const here = await world.node(acme, 'n1.acme.example', { verifier: counted() })
  const there = await world.node(acme, 'n2.acme.example')
  await world.connect('n1.acme.example', 'n2.acme.example')
  const member = async ({ host }: typeof here, label: string): Promise<Agent> =>
    await host.openAgent(await world.bind(acme, `${label}.acme.example`, { grants: [crewGrant()] }))
  ann = await (await member(here, 'ann')).join(CREW)
  bob = await (await member(here, 'bob')).join(CREW)
  far = await (await member(there, 'far')).join(CREW)
  await world.pass(3_000)
})
afterEach(() => world.close())

/** What one publishes and bob reads; the signatures that his node has checked for it. */
async function checksFor(sender: Group): Promise<number> {
  await using inbox = bob.messages()
  const before = checks
  const sent = sender.publish('hello')
  await world.pass(100)
  await sent
  expect(inbox.size).toBe(1)
  return checks - before
}

it('a node does not check the signature that it has just made itself', async () => {
  expect(await checksFor(ann)).toBe(0)
})

it('a node checks the signature of what comes from another', async () => {
  expect(await checksFor(far)).toBeGreaterThan(0)
})
