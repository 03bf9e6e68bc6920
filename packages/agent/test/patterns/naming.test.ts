import type { Agent, Offer, SpawnOptions } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { bodies, CREW, CREW_GRANT, outcomeOf, toInbox, Town } from '../town.ts'
import type { ApplicationValue } from '@ixj/trust'
import { OFFER_TYPE } from '../../src/patterns/control-types.ts'
import { makeOffer, readBound } from '../../src/patterns/naming.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'

const BOSS: Partial<SpawnOptions> = {
  uses: 'both',
  depth: 1,
  grants: [{ ...CREW_GRANT, mayDelegate: ['*.boss.acme.example'] }],
}

/** Nodes ask the boss for names: their own names may. */
const NODES_MAY_ASK = {
  rules: [
    {
      id: 'nodes may ask for names',
      effect: 'permit',
      sender: parsePattern('*.acme.example'),
      actions: ['request'],
      topic: parsePattern('boss.acme.example'),
    },
  ],
} as const

function answerOffers(boss: Agent, answer: (offer: Offer) => Promise<void>): void {
  void (async () => {
    for await (const offer of boss.offers()) await answer(offer)
  })()
}

describe('spawn()', () => {
  it('makes a sub-agent that acts under a part of its parent’s grant', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, BOSS)
    const other = await town.member('other', 2)
    const w1 = await boss.spawn('w1', {
      lifetimeSeconds: 60,
      grants: [{ actions: ['publish', 'subscribe'], topics: [CREW] }],
    })
    const crew = await w1.join(CREW)
    await town.world.pass(1_000)
    const inbox = other.crew.messages()
    await town.world.until(crew.publish('hello'))
    await town.world.pass(50)
    expect(inbox.drain()).toMatchObject([
      { body: 'hello', sender: 'w1.boss.acme.example', onBehalfOf: 'acme.example' },
    ])
    expect(() => crew.fanOut('x')).toThrow(expect.objectContaining({ code: 'no-authority' }))
  })

  it('refuses a grant wider than the parent’s, and one that it does not hold', async () => {
    await using town = await Town.open(1)
    const boss = await town.agent('boss', 1, BOSS)
    const topics = [CREW]
    const spawn = (grants: NonNullable<SpawnOptions['grants']>) =>
      boss.spawn('w1', { lifetimeSeconds: 60, grants })
    await expect(
      spawn([{ actions: ['publish'], topics, mayDelegate: ['**.acme.example'] }]),
    ).rejects.toMatchObject({ code: 'wider-than-parent' })
    await expect(spawn([{ actions: ['invite'], topics }])).rejects.toMatchObject({
      code: 'not-granted',
    })
    await expect(
      spawn([{ actions: ['publish'], topics: ['**.acme.example'] }]),
    ).rejects.toMatchObject({ code: 'not-granted' })
  })

  it.each([
    [{ uses: 'sign' }, 'uses'],
    [{ uses: 'both', depth: 0 }, 'depth-exceeded'],
  ] as const)('refuses where the parent’s binding is %o', async (options, code) => {
    await using town = await Town.open(1)
    const plain = await town.agent('plain', 1, options)
    await expect(plain.spawn('w1', { lifetimeSeconds: 60 })).rejects.toMatchObject({ code })
  })

  it.each([0, -1, Number.NaN, Infinity])('refuses a lifetime of %d s', async (lifetimeSeconds) => {
    await using town = await Town.open(1)
    const boss = await town.agent('boss', 1, BOSS)
    await expect(boss.spawn('w1', { lifetimeSeconds })).rejects.toMatchObject({ code: 'argument' })
  })

  it('ends with its lifetime and the skew: nobody hears it any more', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, BOSS)
    const other = await town.member('other', 2)
    const w1 = await boss.spawn('w1', { lifetimeSeconds: 10, grants: [CREW_GRANT] })
    const crew = await w1.join(CREW)
    await town.world.pass(69_000)
    const inbox = other.crew.messages()
    await town.world.until(crew.publish('still'))
    await town.world.pass(50)
    expect(bodies(inbox)).toEqual(['still'])
    await town.world.pass(2_000)
    const sent = outcomeOf(crew.publish('too late'))
    await town.world.pass(2_000)
    expect(bodies(inbox)).toEqual([])
    expect(sent.value?.peers ?? 0).toBe(0)
  })

  it('makes many at once, each heard', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, BOSS)
    const other = await town.member('other', 2)
    await town.world.pass(1_000)
    const inbox = other.crew.messages()
    const workers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        boss.spawn(`w${index}`, { lifetimeSeconds: 60, grants: [CREW_GRANT] }),
      ),
    )
    const crews = await Promise.all(workers.map((worker) => worker.join(CREW)))
    await town.world.pass(1_000)
    await town.world.until(Promise.all(crews.map((crew) => crew.publish('born'))))
    await town.world.pass(50)
    expect(bodies(inbox)).toEqual(Array<string>(20).fill('born'))
  })
})

describe('askName()', () => {
  it('makes the key there, gets the name here, and the sub-agent works', async () => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    const crew = await boss.join(CREW)
    const asked: Offer[] = []
    answerOffers(boss, async (offer) => {
      asked.push(offer)
      await offer.bind({ lifetimeSeconds: 60, grants: [CREW_GRANT] })
    })
    const w2 = await town.world.until(town.nodes[1]!.host.askName(boss.name, 'w2'))
    expect(asked).toMatchObject([{ name: 'w2.boss.acme.example', node: 'n2.acme.example' }])
    expect(w2.name).toBe('w2.boss.acme.example')
    expect(w2.identity.signer.publicKey).toEqual(asked[0]!.key)
    const there = await w2.join(CREW)
    await town.world.pass(1_000)
    const inbox = crew.messages()
    await town.world.until(there.publish('here I am'))
    await town.world.pass(50)
    expect(bodies(inbox)).toEqual(['here I am'])
  })

  it('rejects with the code of a refusal', async () => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    answerOffers(boss, (offer) => offer.refuse('no-more', 'eight are enough'))
    await expect(
      town.world.until(town.nodes[1]!.host.askName(boss.name, 'w2')),
    ).rejects.toMatchObject({ code: 'refused', remoteCode: 'no-more' })
  })

  it('rejects when nobody answers, and with its signal', async () => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    const { host } = town.nodes[1]!
    const asked = outcomeOf(host.askName(boss.name, 'w2', { lifespanMs: 1_000 }))
    await town.world.pass(1_100)
    expect(asked.code).toBe('no-answer')
    const stop = new AbortController()
    const aborted = outcomeOf(host.askName(boss.name, 'w3', { signal: stop.signal }))
    await town.world.pass(100)
    stop.abort(new Error('enough'))
    await town.world.pass(1)
    expect(aborted.cause).toMatchObject({ message: 'enough' })
  })

  it('is decided by the parent’s policy about the node that asks', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, BOSS)
    answerOffers(boss, (offer) => offer.bind({ lifetimeSeconds: 60 }))
    await expect(
      town.world.until(town.nodes[1]!.host.askName(boss.name, 'w2')),
    ).rejects.toMatchObject({ code: 'refused', remoteCode: 'policy' })
  })

  it.each([
    [
      'a name that is not below the parent',
      'not-below',
      'w1.other.acme.example',
      'spy.acme.example',
    ],
    [
      'a node in whose name it was not asked',
      'wrong-subject',
      'w1.boss.acme.example',
      'n9.acme.example',
    ],
  ])('refuses an offer for %s', async (_, code, offered, node) => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    const spy = await town.agent('spy', 2, { grants: [toInbox(boss.name)] })
    const offers: Offer[] = []
    answerOffers(boss, async (offer) => void offers.push(offer))
    const { clock, bytes } = town.world
    const offer = await makeOffer(
      { name: name(offered), node: name(node), signer: town.world.key() },
      { clock, random: bytes, hash: nodeSha256 },
    )
    const asked = spy.request(boss.name, offer, { contentType: OFFER_TYPE })
    await expect(town.world.until(asked)).rejects.toMatchObject({
      code: 'refused',
      remoteCode: code,
    })
    expect(offers).toEqual([])
  })

  it('refuses an offer that its own key did not sign', async () => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    const spy = await town.agent('spy', 2, { grants: [toInbox(boss.name)] })
    const { clock, bytes } = town.world
    const offer = (await makeOffer(
      { name: name('w1.boss.acme.example'), node: spy.name, signer: town.world.key() },
      { clock, random: bytes, hash: nodeSha256 },
    )) as Uint8Array[]
    const forged: ApplicationValue = [offer[0]!, offer[1]!.with(0, offer[1]![0]! ^ 1)]
    await expect(
      town.world.until(spy.request(boss.name, forged, { contentType: OFFER_TYPE })),
    ).rejects.toMatchObject({ code: 'refused', remoteCode: 'bad-signature' })
    await expect(
      town.world.until(spy.request(boss.name, 'junk', { contentType: OFFER_TYPE })),
    ).rejects.toMatchObject({ code: 'refused', remoteCode: 'form' })
  })

  it('fails when the answer binds another key, or is none', async () => {
    await using town = await Town.open(2, NODES_MAY_ASK)
    const boss = await town.agent('boss', 1, BOSS)
    const wrong = await town.world.bind(boss.identity, 'w9.boss.acme.example')
    const answers: ApplicationValue[] = [
      'welcome',
      wrong.statements.map(({ envelope }) => envelope),
    ]
    const wanted = { name: name('w2.boss.acme.example'), signer: town.world.key() }
    for (const body of answers) {
      expect(() => readBound({ body, contentType: 'ixj/bound' }, wanted, nodeSha256)).toThrow(
        expect.objectContaining({ code: 'failed' }),
      )
    }
  })
})
