import { explanationOf, type Agent, type IncomingRequest } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const B = name('b.acme.example')

async function openPair() {
  const town = await Town.open(2)
  const a = await town.agent('a', 1, { grants: [toInbox(B)] })
  const b = await town.agent('b', 2)
  return { town, a, b, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

/** Has an agent answer every request like this. */
function serve(agent: Agent, answer: (request: IncomingRequest) => Promise<void>): void {
  void (async () => {
    for await (const request of agent.requests()) await answer(request)
  })()
}

describe('request()', () => {
  it('resolves to the answer, and the asker knows who gave it', async () => {
    await using pair = await openPair()
    serve(pair.b, (request) => request.reply({ twice: [request.body, request.body] }))
    const answer = await pair.town.world.until(pair.a.request(B, 'x'))
    expect(answer).toMatchObject({ body: { twice: ['x', 'x'] }, sender: B })
  })

  it('gives a handler all of the message, also where it is copied', async () => {
    await using pair = await openPair()
    const asked = Promise.withResolvers<IncomingRequest>()
    serve(pair.b, async (request) => {
      asked.resolve({ ...request })
      await request.reply('yes')
    })
    await pair.town.world.until(pair.a.request(B, 'x'))
    const copy = await asked.promise
    expect(copy).toMatchObject({ topic: B, sender: pair.a.name, body: 'x', class: 'event' })
    expect(copy.id).toHaveLength(16)
    expect(explanationOf(copy)).toMatchObject({ outcome: 'accepted', sender: pair.a.name })
  })

  it('rejects with the other side’s code when it refuses', async () => {
    await using pair = await openPair()
    serve(pair.b, (request) => request.refuse('busy', 'come back later'))
    await expect(pair.town.world.until(pair.a.request(B, 'x'))).rejects.toMatchObject({
      code: 'refused',
      remoteCode: 'busy',
    })
  })

  it('rejects when the other side’s handler failed', async () => {
    await using pair = await openPair()
    serve(pair.b, (request) => request.fail('out of paper'))
    const failed: unknown = await pair.town.world
      .until(pair.a.request(B, 'x'))
      .catch((cause: unknown) => cause)
    expect(failed).toMatchObject({ code: 'failed' })
    expect(String(failed)).toContain('out of paper')
  })

  it('rejects with no-answer at its lifespan, 30 s by default', async () => {
    await using pair = await openPair()
    const asked = outcomeOf(pair.a.request(B, 'x'))
    await pair.town.world.pass(29_990)
    expect(asked).toEqual({})
    await pair.town.world.pass(20)
    expect(asked.code).toBe('no-answer')
  })

  it('lets a request be answered once', async () => {
    await using pair = await openPair()
    const second: unknown[] = []
    serve(pair.b, async (request) => {
      await request.reply(1)
      await request.reply(2).catch((cause: unknown) => second.push(cause))
    })
    expect((await pair.town.world.until(pair.a.request(B, 'x'))).body).toBe(1)
    await pair.town.world.pass(50)
    expect(second).toMatchObject([{ code: 'argument' }])
  })

  it('ends with its signal, and an answer afterwards is refused', async () => {
    await using pair = await openPair()
    const { world, nodes } = pair.town
    const requests = pair.b.requests()[Symbol.asyncIterator]()
    const stop = new AbortController()
    const asked = outcomeOf(pair.a.request(B, 'x', { signal: stop.signal }))
    const request = await world.until(requests.next())
    stop.abort(new Error('enough'))
    await world.pass(1)
    expect(asked.cause).toMatchObject({ message: 'enough' })
    await world.until((request.value as IncomingRequest).reply('late'))
    await world.pass(50)
    expect(nodes[0]!.host.counts.get('not-asked')).toBe(1)
  })

  it('that was ended before a host was found is never asked', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const stop = new AbortController()
    const asked = outcomeOf(a.request(B, 'x', { signal: stop.signal }))
    await town.world.pass(100)
    stop.abort(new Error('enough'))
    await town.world.pass(1)
    expect(asked.cause).toMatchObject({ message: 'enough' })
    const decisions = town.nodes[1]!.host.decisions()
    await town.agent('b', 2)
    await town.world.pass(1_000)
    expect(decisions.drain().filter(({ about }) => about === 'bundle')).toEqual([])
  })

  it('carries many at once, each with its own answer', async () => {
    await using pair = await openPair()
    serve(pair.b, (request) => request.reply(request.body))
    const asking = Array.from({ length: 300 }, (_, index) => pair.a.request(B, index))
    const answers = await pair.town.world.until(Promise.all(asking))
    expect(answers.map(({ body }) => body)).toEqual(
      Array.from({ length: 300 }, (_, index) => index),
    )
  })
})

describe('requests()', () => {
  it('ends with its signal, and a later reader goes on', async () => {
    await using pair = await openPair()
    const stop = new AbortController()
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const request of pair.b.requests({ signal: stop.signal })) seen.push(request.body)
    })()
    stop.abort()
    await reading
    serve(pair.b, (request) => request.reply('still here'))
    expect((await pair.town.world.until(pair.a.request(B, 'x'))).body).toBe('still here')
    expect(seen).toEqual([])
  })

  it('ends when the agent is closed', async () => {
    await using pair = await openPair()
    const reading = (async () => {
      for await (const request of pair.b.requests()) await request.reply(1)
      return 'ended'
    })()
    await pair.town.world.until(pair.b[Symbol.asyncDispose]())
    expect(await reading).toBe('ended')
  })
})
