import { explanationOf } from '../../src/explanation-of.ts'
import type { Agent, AskedApproval, Message, Queue } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { approvalsOf } from '../../../../test/world/made-approval.ts'
import { bodies, CREW, outcomeOf, toInbox, Town } from '../town.ts'

const APPROVERS = ['ann.acme.example', 'bob.acme.example', 'eve.acme.example'] as const

/** A planner that needs two of three approvals to write to the crew, and a worker that listens. */
interface Plant extends AsyncDisposable {
  readonly town: Town
  readonly planner: Agent
  readonly publish: (body: string, lifespanMs?: number) => Promise<unknown>
  readonly ann: Agent
  readonly bob: Agent
  readonly eve: Agent
  readonly inbox: Queue<Message>
}

async function openPlant(count = 2): Promise<Plant> {
  const town = await Town.open(3)
  const planner = await town.agent('planner', 1, {
    grants: [
      { actions: ['subscribe'], topics: [CREW] },
      { actions: ['publish'], topics: [CREW], conditions: [approvalsOf(count, ...APPROVERS)] },
      toInbox(...APPROVERS),
    ],
  })
  const crew = await planner.join(CREW)
  const worker = await town.member('w1', 2)
  const people = [
    await town.agent('ann', 2),
    await town.agent('bob', 3),
    await town.agent('eve', 1),
  ] as const
  await town.world.pass(1_000)
  const inbox = worker.crew.messages()
  return {
    town,
    planner,
    publish: (body, lifespanMs = 60_000) => crew.publish(body, { lifespanMs }),
    ann: people[0],
    bob: people[1],
    eve: people[2],
    inbox,
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  }
}

/** Does something with each that is asked of an agent, until the town closes. */
async function each(agent: Agent, act: (asked: AskedApproval) => Promise<void>): Promise<void> {
  for await (const asked of agent.approvals()) await act(asked)
}

const yes = (asked: AskedApproval) => asked.approve()

describe('a publish under a grant that asks for approvals', () => {
  it('is sent when as many have approved as the grant says', async () => {
    await using plant = await openPlant()
    const { town, ann, bob, inbox } = plant
    void each(ann, yes)
    const sent = outcomeOf(plant.publish('open the valve'))
    await town.world.pass(1_000)
    expect(sent).toEqual({})
    expect(inbox.size).toBe(0)
    void each(bob, yes)
    await town.world.pass(1_000)
    expect(sent.value).toMatchObject({ peers: 1 })
    const [message] = inbox.drain()
    expect(message).toMatchObject({ body: 'open the valve', sender: plant.planner.name })
    expect(explanationOf(message!).authority.lines).toContain(
      `approved by ${ann.name}, ${bob.name}`,
    )
  })

  it('shows those who are asked what will be sent, by whom, for whom and to whom', async () => {
    await using plant = await openPlant()
    const { town, ann, planner } = plant
    const seen: AskedApproval[] = []
    void each(ann, async (asked) => void seen.push(asked))
    const sent = outcomeOf(plant.publish('open the valve'))
    await town.world.pass(1_000)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      sender: planner.name,
      onBehalfOf: 'acme.example',
      topic: CREW,
      action: 'publish',
      class: 'event',
      audience: null,
      body: 'open the valve',
      contentType: null,
      needed: { count: 2, names: [...APPROVERS] },
    })
    expect(explanationOf(seen[0]!)).toMatchObject({ outcome: 'accepted', sender: planner.name })
    expect(sent).toEqual({})
  })

  it('is refused to its sender with who is missing, and why, when its time is over', async () => {
    await using plant = await openPlant()
    const { town, ann, bob, inbox } = plant
    void each(ann, yes)
    void each(bob, (asked) => asked.refuse('the valve is under repair'))
    const sent = outcomeOf(plant.publish('open the valve', 10_000))
    await town.world.pass(8_000)
    expect(sent).toEqual({})
    await town.world.pass(1_100)
    expect(sent.code).toBe('unapproved')
    expect(sent.cause).toMatchObject({
      missing: ['bob.acme.example', 'eve.acme.example'],
      message: expect.stringContaining('1 of 2 approvals') as string,
    })
    const { message } = sent.cause as Error
    expect(message).toContain('bob.acme.example (declined: the valve is under repair)')
    expect(message).toContain('eve.acme.example (is silent)')
    expect(inbox.size).toBe(0)
  })

  it('is refused at once when too many said no', async () => {
    await using plant = await openPlant()
    const { town, ann, bob } = plant
    for (const agent of [ann, bob]) void each(agent, (asked) => asked.refuse())
    const sent = outcomeOf(plant.publish('open the valve'))
    await town.world.pass(1_000)
    expect(sent.code).toBe('unapproved')
  })

  it('passes no other message: each is asked for by itself', async () => {
    await using plant = await openPlant(1)
    const { town, ann, inbox } = plant
    const asked: unknown[] = []
    void each(ann, async (one) => {
      asked.push(one.body)
      await one.approve()
    })
    const sent = [outcomeOf(plant.publish('one')), outcomeOf(plant.publish('two'))]
    await town.world.pass(1_000)
    expect(sent.map(({ value }) => value)).toMatchObject([{ peers: 1 }, { peers: 1 }])
    expect(new Set(asked)).toEqual(new Set(['one', 'two']))
    expect(new Set(bodies(inbox))).toEqual(new Set(['one', 'two']))
  })

  it('lives no longer than the first approval', async () => {
    await using plant = await openPlant(1)
    const { town, ann, inbox } = plant
    void each(ann, (asked) => asked.approve({ lifetimeMs: 5_000 }))
    const sent = outcomeOf(plant.publish('open the valve'))
    await town.world.pass(1_000)
    expect(sent.value).toMatchObject({ peers: 1 })
    const [message] = inbox.drain()
    expect(message!.expiresAt - message!.sentAt).toBeLessThanOrEqual(5_000)
  })

  it('ends with its signal, and with its agent', async () => {
    await using plant = await openPlant()
    const { town, planner } = plant
    const stop = new AbortController()
    const crew = { signal: stop.signal, under: planner.grants[1]!.id }
    const sent = outcomeOf(planner.send(CREW, 'open the valve', crew))
    await town.world.pass(100)
    stop.abort(new Error('stopped'))
    await town.world.pass(10)
    expect(sent.code).toBe('Error: stopped')
    const other = outcomeOf(plant.publish('open the valve'))
    await town.world.pass(100)
    await planner[Symbol.asyncDispose]()
    await town.world.pass(10)
    expect(other.code).toBe('closed')
  })
})

describe('a request under a grant that asks for approvals', () => {
  it('is answered after its approval, and else refused within its lifespan', async () => {
    await using town = await Town.open(2)
    const grants = [
      {
        actions: ['request'] as const,
        topics: ['valve.acme.example'],
        conditions: [approvalsOf(1, 'ann.acme.example')],
      },
      toInbox('ann.acme.example'),
    ]
    const planner = await town.agent('planner', 1, { grants })
    const valve = await town.agent('valve', 2)
    const ann = await town.agent('ann', 2)
    await town.world.pass(1_000)
    void (async () => {
      for await (const request of valve.requests()) await request.reply(['done', request.body])
    })()
    void each(ann, (asked) => (asked.body === 'open' ? asked.approve() : new Promise(() => {})))
    const opened = outcomeOf(planner.request(valve.name, 'open', { lifespanMs: 5_000 }))
    await town.world.pass(1_000)
    expect(opened.value).toMatchObject({ body: ['done', 'open'] })
    const burst = outcomeOf(planner.request(valve.name, 'burst', { lifespanMs: 5_000 }))
    await town.world.pass(6_000)
    expect(burst.cause).toMatchObject({ code: 'unapproved', missing: [ann.name] })
  })
})

describe('a request for an approval', () => {
  it('is refused by one whom the grant does not name, and for a grant that is not held', async () => {
    await using town = await Town.open(1)
    const grants = [
      {
        actions: ['publish'] as const,
        topics: [CREW],
        conditions: [approvalsOf(1, 'ann.acme.example')],
      },
      toInbox(...APPROVERS),
    ]
    const planner = await town.agent('planner', 1, { grants })
    const bob = await town.agent('bob', 1)
    await town.world.pass(500)
    const wanted = (authority: Uint8Array) => [
      CREW,
      'publish',
      'event',
      1,
      null,
      authority,
      MESSAGES,
    ]
    const ask = async (body: Parameters<Agent['request']>[1]) => {
      const asked = outcomeOf(
        planner.request(bob.name, body, { contentType: 'ixj/approve', lifespanMs: 1_000 }),
      )
      await town.world.pass(1_100)
      return (asked.cause as { readonly remoteCode?: string }).remoteCode
    }
    expect(await ask(wanted(planner.grants[1]!.id))).toBe('not-granted')
    expect(await ask(wanted(planner.grants[0]!.id))).toBe('missing-statement')
    expect(await ask('let me')).toBe('form')
    expect(await ask(wanted(new Uint8Array(31)))).toBe('form')
  })
})

/** One message with an empty text. */
const MESSAGES = Uint8Array.of(
  0x91,
  0x94,
  0xc4,
  16,
  ...new Uint8Array(16),
  0xc0,
  0xc0,
  0xc4,
  1,
  0xa0,
)
