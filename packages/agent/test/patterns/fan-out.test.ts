import type { Agent, FanOut, IncomingRequest, Reply } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { CREW, outcomeOf, Town } from '../town.ts'

type Handler = (request: IncomingRequest) => Promise<void>

function serve(agent: Agent, answer: Handler): void {
  void (async () => {
    for await (const request of agent.requests()) await answer(request)
  })()
}

/** A chief on node 1 and workers on the others, who answer like this. */
async function openCrew(handlers: Readonly<Record<string, Handler>>) {
  const labels = Object.keys(handlers)
  const town = await Town.open(labels.length + 1)
  const chief = await town.member('chief', 1)
  for (const [index, label] of labels.entries()) {
    serve((await town.member(label, index + 2)).agent, handlers[label]!)
  }
  await town.world.pass(1_000)
  return { town, ...chief, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

async function collect(run: FanOut): Promise<Reply[]> {
  const replies: Reply[] = []
  for await (const reply of run) replies.push(reply)
  return replies
}

const reply: Handler = (request) => request.reply(['done', request.body])
const silent: Handler = async () => {}
const named = (...labels: readonly string[]) => labels.map((label) => `${label}.acme.example`)

describe('fanOut()', () => {
  it('tells apart who replied, refused, failed and stayed silent', async () => {
    await using crew = await openCrew({
      w1: reply,
      w2: (request) => request.refuse('busy'),
      w3: (request) => request.fail('broken'),
      w4: silent,
    })
    const run = crew.crew.fanOut('task', { lifespanMs: 2_000 })
    expect([...run.expected].toSorted()).toEqual(named('w1', 'w2', 'w3', 'w4'))
    expect([...run.missing].toSorted()).toEqual(named('w1', 'w2', 'w3', 'w4'))
    const replies = await crew.town.world.until(collect(run))
    expect(Object.fromEntries(run.status)).toEqual({
      'w1.acme.example': 'replied',
      'w2.acme.example': 'refused',
      'w3.acme.example': 'failed',
      'w4.acme.example': 'silent',
    })
    expect(run.missing).toEqual(named('w4'))
    const refused = replies.find(({ status }) => status === 'refused')
    expect(refused).toMatchObject({ code: 'busy', name: 'w2.acme.example' })
    const done = replies.find((each) => each.status === 'replied')
    expect(done).toMatchObject({ message: { body: ['done', 'task'] } })
  })

  it('ends with the quorum; refusals do not count', async () => {
    await using crew = await openCrew({
      w1: reply,
      w2: reply,
      w3: (request) => request.refuse('busy'),
      w4: silent,
    })
    const run = crew.crew.fanOut('task', { quorum: 2 })
    const started = crew.town.world.clock.now()
    const replies = await crew.town.world.until(collect(run))
    expect(replies.filter(({ status }) => status === 'replied')).toHaveLength(2)
    expect(crew.town.world.clock.now() - started).toBeLessThan(1_000)
  })

  it('ends when all have answered, and at its lifespan at the latest', async () => {
    await using crew = await openCrew({ w1: reply, w2: silent })
    const { world } = crew.town
    const all = outcomeOf(collect(crew.crew.fanOut('x', { to: 'w1.acme.example' })))
    await world.pass(100)
    expect(all.value).toHaveLength(1)
    const run = outcomeOf(collect(crew.crew.fanOut('x', { lifespanMs: 2_000 })))
    await world.pass(1_990)
    expect(run).toEqual({})
    await world.pass(20)
    expect(run.value).toHaveLength(1)
  })

  it('asks those that `to` selects, and no others', async () => {
    const asked: string[] = []
    const note =
      (label: string): Handler =>
      async (request) => {
        asked.push(label)
        await request.reply(1)
      }
    await using crew = await openCrew({ w1: note('w1'), w2: note('w2'), x1: note('x1') })
    const run = crew.crew.fanOut('x', { to: named('w1', 'x1') })
    await crew.town.world.until(collect(run))
    expect(asked.toSorted()).toEqual(['w1', 'x1'])
    expect([...run.expected].toSorted()).toEqual(named('w1', 'x1'))
  })

  it('freezes its roster at the start', async () => {
    await using crew = await openCrew({ w1: silent })
    const run = crew.crew.fanOut('x', { lifespanMs: 3_000 })
    const replies = outcomeOf(collect(run))
    serve((await crew.town.member('late', 1)).agent, reply)
    await crew.town.world.pass(3_100)
    expect([run.expected, run.missing, replies.value]).toEqual([named('w1'), named('w1'), []])
  })

  it('names the workers of a node that was killed in mid fan-out', async () => {
    await using crew = await openCrew({ w1: reply, w2: silent, w3: reply })
    const { world, nodes } = crew.town
    const run = crew.crew.fanOut('task', { lifespanMs: 2_000 })
    // w2 has the task and is killed with its node; nothing is said to anybody.
    await world.pass(20)
    await nodes[2]!.transport[Symbol.asyncDispose]()
    await world.until(collect(run))
    expect(run.missing).toEqual(named('w2'))
    expect(Object.fromEntries(run.status)['w2.acme.example']).toBe('silent')
    await world.pass(2_000)
    expect(crew.crew.members().map(({ name }) => name)).not.toContain('w2.acme.example')
  })

  it('asks neither itself nor members without an answer grant, and ends at once with nobody', async () => {
    await using town = await Town.open(2)
    const chief = await town.member('chief', 1)
    const listener = await town.agent('listener', 2, {
      grants: [{ actions: ['subscribe'], topics: [CREW] }],
    })
    await listener.join(CREW)
    await town.world.pass(1_000)
    expect(chief.crew.members()).toHaveLength(2)
    const run = chief.crew.fanOut('x')
    expect(run.expected).toEqual([])
    expect(await collect(run)).toEqual([])
  })

  it('needs a request grant, and refuses a quorum that is no count', async () => {
    await using town = await Town.open(1)
    const { crew } = await town.member('a', 1)
    for (const quorum of [-1, 1.5, Number.NaN]) {
      expect(() => crew.fanOut('x', { quorum })).toThrow(
        expect.objectContaining({ code: 'argument' }),
      )
    }
    const mute = await town.agent('mute', 1, {
      grants: [{ actions: ['subscribe', 'publish'], topics: [CREW] }],
    })
    const group = await mute.join(CREW)
    expect(() => group.fanOut('x')).toThrow(expect.objectContaining({ code: 'no-authority' }))
  })

  it('ends with its signal, and with a reader that leaves', async () => {
    await using crew = await openCrew({ w1: silent, w2: reply })
    const { world } = crew.town
    const stop = new AbortController()
    const aborted = outcomeOf(collect(crew.crew.fanOut('x', { signal: stop.signal })))
    await world.pass(100)
    stop.abort(new Error('enough'))
    await world.pass(1)
    expect(aborted.cause).toMatchObject({ message: 'enough' })
    const before = outcomeOf(
      collect(crew.crew.fanOut('x', { signal: AbortSignal.abort(new Error('before')) })),
    )
    await world.pass(1)
    expect(before.cause).toMatchObject({ message: 'before' })
    const run = crew.crew.fanOut('x')
    const first = async () => {
      for await (const each of run) return each.name
      return 'nobody'
    }
    expect(await world.until(first())).toBe('w2.acme.example')
  })

  it('carries the question to members of the asker’s own node too', async () => {
    await using town = await Town.open(1)
    const chief = await town.member('chief', 1)
    serve((await town.member('w1', 1)).agent, reply)
    const replies = await town.world.until(collect(chief.crew.fanOut('x')))
    expect(replies).toMatchObject([{ status: 'replied', name: 'w1.acme.example' }])
  })
})
