import { issueRevocation, makeNotice, memoryStore, type Identity } from '@ixj/agent'
import { decodeStatement, encode, isBinding, type RevocationTarget } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statusNotice } from '../../../../test/world/made-status.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { World } from '../../../../test/world/world.ts'
import { CREW, CREW_GRANT } from '../town.ts'

const SECOND = 1_000
let world: World
let acme: Identity

beforeEach(() => {
  world = new World(11)
  acme = world.organisation('acme.example')
})
afterEach(() => world.close())

const context = () => ({ clock: world.clock, random: world.bytes, hash: nodeSha256 })
const keyOf = ({ name: of, signer }: Identity): RevocationTarget => ({
  kind: 'key',
  name: of,
  key: signer.publicKey,
})

describe('a stolen key that may publish a status', () => {
  it('silences its name no longer than it counts, with a set that never was', async () => {
    const { host } = await world.node(acme, 'n1.acme.example', {
      authorities: [acme],
      freshness: 'required',
    })
    const keeper = await world.bind(acme, 'keeper.acme.example', {
      grants: [{ actions: ['revoke'], topics: ['acme.example'] }],
    })
    const crew = { grants: [CREW_GRANT] }
    const ann = await host.openAgent(await world.bind(acme, 'ann.acme.example', crew))
    const bob = await host.openAgent(await world.bind(acme, 'bob.acme.example', crew))
    const [group, heard] = [await ann.join(CREW), await bob.join(CREW)]
    const inbox = heard.messages()
    const stolen = await statusNotice(world, keeper, {
      of: acme.name,
      number: world.clock.now() + 1,
      digest: new Uint8Array(32).fill(7),
    })
    await host.takeNotice(makeNotice(stolen.told, keeper.statements).bytes)
    await host.takeNotice((await issueRevocation(acme, keyOf(keeper), context())).bytes)
    await world.pass(700 * SECOND)
    await world.until(group.publish('still fresh').catch(() => undefined))
    await world.pass(100)
    expect(inbox.drain().map(({ body }) => body)).toEqual(['still fresh'])
  })
})

describe('a notice', () => {
  it('is not passed on as checked with a copy of a known statement that bears junk', async () => {
    const { host } = await world.node(acme, 'n1.acme.example')
    const planner = await world.bind(acme, 'planner.acme.example', { uses: 'both', depth: 1 })
    await host.openAgent(planner)
    const [binding] = planner.statements.filter(isBinding)
    const junk = encode([binding!.body, new Uint8Array(64), null])
    const { told } = await issueRevocation(planner, keyOf(planner), context())
    const { bytes } = makeNotice(told, [decodeStatement(junk, nodeSha256)])
    await expect(host.takeNotice(bytes)).rejects.toMatchObject({ code: 'bad-signature' })
  })
})

describe('revocations that have ended', () => {
  it('take no room from others, and keep no node from starting again', async () => {
    const store = memoryStore()
    const identity = await world.bind(acme, 'n1.acme.example')
    const first = await world.host(acme, identity, world.network.open('n1'), { store })
    const revoke = async (lifetimeMs: number) => {
      const target = { kind: 'statement', id: world.bytes(32) } as const
      const notAfter = world.clock.now() + lifetimeMs
      const notice = await issueRevocation(acme, target, { ...context(), notAfter })
      await first.takeNotice(notice.bytes)
    }
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 400; count++) await revoke(SECOND)
      await world.pass(130 * SECOND)
    }
    const thief = await world.bind(acme, 'thief.acme.example')
    await first.takeNotice((await issueRevocation(acme, keyOf(thief), context())).bytes)
    await first[Symbol.asyncDispose]()
    const again = await world.host(acme, identity, world.network.open('n1 again'), { store })
    await expect(again.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
  })
})
