import type { Agent, IncomingRequest, Message, Queue } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { name, World } from '../world/world.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const CREW = name('crew.acme.example')
const FILES = name('files.acme.example')
const DEPUTY = name('d.acme.example')
const TOPICS = [CREW, FILES, name('log.d.acme.example'), name('desk.acme.example')]
/** For whom requests act: three whose grants the deputy holds, one that it holds none of. */
const PRINCIPALS = ['p0', 'p1', 'p2', 'p3'].map((label) => name(`${label}.acme.example`))

/** A deputy with grants of several principals, each of whom has asked it something. */
async function openDeputy(world: World) {
  const acme = world.organisation('acme.example')
  const n1 = await world.node(acme, 'n1.acme.example')
  const n2 = await world.node(acme, 'n2.acme.example')
  await world.connect(n1.host.name, n2.host.name)
  const grants = PRINCIPALS.slice(0, 3).flatMap((onBehalfOf, index) => {
    const topics = index === 2 ? [FILES] : [CREW, FILES]
    const common = { onBehalfOf, mayDelegate: ['*.d.acme.example'] }
    return [{ actions: ['publish', 'request'] as const, topics, ...common }]
  })
  const subscribe = { actions: ['subscribe', 'answer'], topics: [CREW] } as const
  const options = { grants: [...grants, subscribe], uses: 'both', depth: 1 } as const
  const deputy = await n1.host.openAgent(await world.bind(acme, DEPUTY, options))
  const files = await n2.host.openAgent(await world.bind(acme, FILES, { grants: [subscribe] }))
  const askers = PRINCIPALS.map(async (onBehalfOf) => {
    const ask = { actions: ['request'] as const, topics: [DEPUTY], onBehalfOf }
    return await n2.host.openAgent(await world.bind(acme, onBehalfOf, { grants: [ask] }))
  })
  for (const asker of await Promise.all(askers)) {
    void asker.request(DEPUTY, asker.name, { lifespanMs: 600_000 }).catch(() => 'never answered')
  }
  const crew = { mine: await deputy.join(CREW), theirs: await files.join(CREW) }
  await world.pass(500)
  const requests: IncomingRequest[] = []
  for await (const request of deputy.requests()) {
    if (requests.push(request) === PRINCIPALS.length) break
  }
  return { deputy, crew, requests, seen: [files.messages(), crew.theirs.messages()] }
}

type Scene = Awaited<ReturnType<typeof openDeputy>>

/** One random attempt for a request, by any verb, under any grant or none. */
async function attempt(world: World, scene: Scene, body: string, request: IncomingRequest) {
  const { deputy, crew } = scene
  const pick = <T>(all: readonly T[]): T => all[Math.floor(world.random() * all.length)]!
  const under = pick([undefined, ...deputy.grants])?.id
  const topic = pick(TOPICS)
  const options = { for: request, lifespanMs: 1_000, ...(under === undefined ? {} : { under }) }
  switch (pick(['send', 'publish', 'fanOut', 'spawn'] as const)) {
    case 'send':
      return void (await deputy.send(topic, body, options))
    case 'publish':
      return void (await crew.mine.publish(body, options))
    case 'fanOut':
      for await (const reply of crew.mine.fanOut(body, options)) return void reply
      return
    case 'spawn':
      return await spawnFor(deputy, { topic, request, ...(under === undefined ? {} : { under }) })
  }
}

/** For whom the grants of a sub-agent act, that was made for a request. */
async function spawnFor(
  deputy: Agent,
  wanted: {
    readonly topic: string
    readonly request: IncomingRequest
    readonly under?: Uint8Array
  },
) {
  const { topic, request, ...under } = wanted
  const grant = { actions: ['publish'] as const, topics: [topic], ...under }
  await using child = await deputy.spawn('w', {
    lifetimeSeconds: 60,
    grants: [grant],
    for: request,
  })
  return child.grants.map(({ statement }) => statement.onBehalfOf)
}

/** What arrived: for whom each message acted, by its body. */
function arrived(queues: readonly Queue<Message>[]): (readonly [string, string])[] {
  return queues.flatMap((queue) =>
    queue.drain().map(({ body, onBehalfOf }) => [JSON.stringify(body), onBehalfOf] as const),
  )
}

describe('A6: a confused deputy', () => {
  it(
    'never acts for a request under the authority of another',
    async () => {
      const world = new World(SEED)
      const scene = await openDeputy(world)
      const count = scaled(10_000)
      const behalfOf: string[] = []
      const codes = new Map<string, number>()
      let [borrowed, acted] = [0, 0]
      const judge = (behalf: string | undefined, acting: string) => {
        acted += 1
        if (behalf !== acting) borrowed += 1
      }
      const attempts: Promise<void>[] = []
      for (let index = 0; index < count; index++) {
        const genuine = scene.requests[Math.floor(world.random() * PRINCIPALS.length)]!
        const forged = { ...genuine, onBehalfOf: PRINCIPALS[Math.floor(world.random() * 4)]! }
        behalfOf.push(genuine.onBehalfOf)
        const request = world.random() < 0.1 ? forged : genuine
        const trying = attempt(world, scene, String(index), request).then(
          (spawned) => spawned?.forEach((acting) => judge(genuine.onBehalfOf, acting)),
          (cause: unknown) => {
            const { code } = cause as { readonly code?: string }
            codes.set(String(code), (codes.get(String(code)) ?? 0) + 1)
          },
        )
        attempts.push(trying)
        if (index % 50 < 49 && index < count - 1) continue
        await world.until(Promise.all(attempts.splice(0)))
        await world.pass(100)
        for (const [body, acting] of arrived(scene.seen))
          judge(behalfOf[Number(JSON.parse(body))], acting)
      }
      await world.close()
      // A deputy that never acts would pass as well.
      expect(acted).toBeGreaterThan(count / 20)
      expect(codes.get('mixed-behalf')).toBeGreaterThan(count / 10)
      expect(codes.has('undefined')).toBe(false)
      expect(
        report({
          id: 'A6',
          what: 'attempts to have a deputy act for one principal’s request: any verb, grant, topic, forged requests',
          count: borrowed,
          of: count,
          counted: 'under another’s authority',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
