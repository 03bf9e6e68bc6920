import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { bodies, outcomeOf, Town } from '../town.ts'
import { Turns } from '../../src/patterns/turns.ts'

const B = name('b.acme.example')
const upTo3 = {
  actions: ['publish'],
  topics: [B],
  conditions: [['maxPriority', 3]],
} as const

describe('messages of one stream that wait', () => {
  it('are sent by their priority', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [upTo3] })
    const inbox = (await town.agent('b', 2)).messages()
    await town.world.until(a.send(B, 'the way is known'))
    const sent = [0, 2, 1, 3].map((priority) => a.send(B, priority, { priority }))
    await town.world.until(Promise.all(sent))
    await town.world.pass(200)
    expect(bodies(inbox)).toEqual(['the way is known', 3, 2, 1, 0])
  })

  it('are told that they are expired when their turn comes too late, and not sent', async () => {
    await using town = await Town.open(2)
    const inbox = (await town.agent('b', 2)).messages()
    const identity = await town.world.bind(town.acme, 'a.acme.example', { grants: [upTo3] })
    // Signing takes half a second, and the second is signed when the first has gone.
    const { clock } = town.world
    const signer = {
      publicKey: identity.signer.publicKey,
      sign: async (bytes: Uint8Array) => {
        await new Promise<void>((done) => void clock.at(clock.now() + 500, done))
        return await identity.signer.sign(bytes)
      },
    }
    const a = await town.world.until(town.nodes[0]!.host.openAgent({ ...identity, signer }))
    await town.world.until(a.send(B, 'the way is known'))
    const first = outcomeOf(a.send(B, 'first', { lifespanMs: 10_000 }))
    const second = outcomeOf(a.send(B, 'second', { lifespanMs: 200 }))
    await town.world.pass(2_000)
    expect([first.code, second.code]).toEqual([undefined, 'expired'])
    expect(bodies(inbox)).toEqual(['the way is known', 'first'])
  })
})

describe('Turns', () => {
  it('goes on when nothing waited for a while, and is idle when all have ended', async () => {
    const turns = new Turns()
    const order: number[] = []
    const run = (number: number) => async () => void order.push(number)
    await turns.idle()
    await turns.take(1, run(1))
    void turns.take(0, run(2))
    void turns.take(2, run(3))
    await turns.idle()
    expect(order).toEqual([1, 3, 2])
  })
})
