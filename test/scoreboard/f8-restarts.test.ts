import {
  memoryHistory,
  memoryJournal,
  memoryStore,
  type Agent,
  type Group,
  type Message,
  type Queue,
} from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { World, type WorldNode } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const NODES = 4
const STEPS = 60
const GRANT = { actions: ['publish', 'subscribe'], topics: [CREW] } as const

/** A node and its one member of the crew, over all the times that they were opened. */
interface Place {
  readonly label: string
  readonly open: () => Promise<void>
  readonly close: () => Promise<void>
  readonly join: () => Promise<void>
  readonly leave: () => Promise<void>
  node: WorldNode | undefined
  crew: Group | undefined
  /** What the member was told, in all its lives. */
  readonly got: unknown[]
}

async function openPlace(world: World, acme: Awaited<ReturnType<World['bind']>>, number: number) {
  const label = `n${number}.acme.example`
  const memory = { store: memoryStore(), history: memoryHistory(), journal: memoryJournal() }
  const identity = await world.bind(acme, label)
  const member = await world.bind(acme, `m${number}.acme.example`, { grants: [GRANT] })
  let agent: Agent | undefined
  let inbox: Queue<Message> | undefined
  const read = () => {
    for (const { body } of inbox?.drain() ?? []) place.got.push(body)
  }
  const place: Place = {
    label,
    node: undefined,
    crew: undefined,
    got: [],
    open: async () => {
      place.node = await world.node(acme, label, { identity, ...memory })
      agent = await place.node.host.openAgent(member)
      await place.join()
    },
    join: async () => {
      place.crew = await agent?.join(CREW)
      inbox = place.crew?.messages({ queueMax: 10_000 })
    },
    leave: async () => {
      const leaving = place.crew
      place.crew = undefined
      if (leaving !== undefined) await world.until(leaving[Symbol.asyncDispose]())
      read()
    },
    close: async () => {
      const closing = place.node
      await place.leave()
      place.node = undefined
      if (closing !== undefined) await world.until(closing.host[Symbol.asyncDispose]())
      read()
    },
  }
  await place.open()
  return place
}

/** Members come and go, nodes restart, connections end; what each member was owed and told. */
async function live(seed: number) {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const places: Place[] = []
  for (let number = 1; number <= NODES; number++) places.push(await openPlace(world, acme, number))
  const pick = () => places[Math.floor(world.random() * places.length)]!
  const connect = () => {
    const open = places.filter(({ node }) => node !== undefined)
    for (const [index, from] of open.entries()) {
      for (const to of open.slice(index + 1)) world.network.connect(from.label, to.label)
    }
  }
  connect()
  await world.pass(2_000)
  const published = new Map<string, string>()
  for (let step = 0; step < STEPS; step++) {
    const place = pick()
    const chance = world.random()
    if (chance < 0.7) {
      const text = `${place.label} ${step}`
      void place.crew?.publish(text).then(
        () => published.set(text, place.label),
        () => 'told: whoever sent it knows that it may be lost',
      )
    } else if (chance < 0.8) await (place.crew === undefined ? undefined : place.leave())
    else if (chance < 0.9) await place.close()
    else world.network.disconnect(place.label, pick().label)
    await world.pass(Math.floor(world.random() * 2_000))
    if (world.random() < 0.5) {
      const away = places.find((each) => each.node === undefined)
      const left = places.find((each) => each.node !== undefined && each.crew === undefined)
      if (away !== undefined) await away.open()
      else await left?.join()
      connect()
    }
  }
  for (const place of places) {
    if (place.node === undefined) await place.open()
    else if (place.crew === undefined) await place.join()
  }
  connect()
  await world.pass(15_000)
  for (const place of places) await place.close()
  await world.close()
  let lost = 0
  let doubled = 0
  let owed = 0
  for (const { label, got } of places) {
    const others = [...published].filter(([, from]) => from !== label).map(([text]) => text)
    owed += others.length
    lost += others.filter((text) => !got.includes(text)).length
    doubled += got.length - new Set(got).size
  }
  return { owed, lost, doubled }
}

describe('F8: joining, leaving, restarting', () => {
  it(
    'loses nothing that was published, and delivers nothing twice',
    async () => {
      const rounds = scaled(40)
      let [owed, lost, doubled] = [0, 0, 0]
      for (let round = 0; round < rounds; round++) {
        const found = await live(SEED + round)
        owed += found.owed
        lost += found.lost
        doubled += found.doubled
        if (found.lost + found.doubled > 0) process.stderr.write(`F8: seed ${SEED + round}\n`)
      }
      expect(
        report({
          id: 'F8',
          what: `events of members that join, leave, restart and lose connections, ${rounds} times (${doubled} delivered twice)`,
          count: lost + doubled,
          of: owed,
          counted: 'lost or doubled',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
