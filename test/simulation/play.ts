import type { KeyRing } from '../world/world.ts'
import { City } from './city.ts'
import { Hostile } from './hostile.ts'
import type { History } from './history.ts'
import type { Plan, PlannedEvent, Trouble, Work } from './plan.ts'
import { codeOf } from './resident.ts'

/** How long everything has to come to rest after it healed. */
const QUIET_MS = 12_000

/** When everybody is asked for the first time what it sees, after everything healed. */
export const AGREED_MS = 10_000

/** How long the last words may travel. */
const LAST_MS = 6_000

/** Plays a run in virtual time, with the keys of its plan or others; what happened. */
export async function play(plan: Plan, keys?: KeyRing): Promise<History> {
  const city = await City.open(plan, keys)
  const { world, history } = city
  const hostile = await Hostile.open(city, plan)
  const start = world.clock.now()
  for (const event of plan.events) {
    world.clock.at(start + event.at, () => history.watch(happen(event, city, hostile)))
  }
  await world.pass(plan.busyMs)
  await heal(city, plan)
  await world.pass(AGREED_MS)
  for (const resident of city.residents.values()) resident.tellView()
  await world.pass(QUIET_MS - AGREED_MS)
  // What was lost at the end of a stream shows when the stream goes on.
  for (const resident of city.residents.values()) {
    for (const topic of resident.topics) history.watch(resident.publish(topic, 1, null))
  }
  await world.pass(LAST_MS)
  for (const resident of city.residents.values()) resident.tellView()
  return history
}

async function happen(event: PlannedEvent, city: City, hostile: Hostile | undefined) {
  switch (event.kind) {
    case 'attack':
      return await hostile?.attack(event.attack)
    case 'part':
    case 'mend':
    case 'cut':
    case 'crash':
    case 'close':
    case 'open':
    case 'jump':
      return await befall(event, city)
    default:
      return await work(event, city)
  }
}

/** Somebody does something, if he is there and may. */
async function work(event: Work, city: City): Promise<void> {
  if (event.kind === 'revoke') return await city.revoke(event.agent)
  try {
    if (event.kind === 'spawn') return await city.spawn(event.agent, event.label, event)
    const resident = city.residents.get(event.agent)
    switch (event.kind) {
      case 'publish':
        return await resident?.publish(event.group, event.count, event.to)
      case 'send':
        return await resident?.send(event.to, event.count)
      case 'request':
        return await resident?.request(event.to)
      case 'task':
        return await resident?.task(event.topic, event.to)
      case 'set':
        return resident?.set(event.group, event.value)
      case 'fan-out':
        return await resident?.fanOut(event.group)
      case 'leave':
        return await resident?.leave(event.group)
      case 'join':
        return await resident?.join(event.group)
    }
  } catch (cause) {
    const what = `${event.agent} cannot ${event.kind}: ${codeOf(cause)}`
    city.history.add({ kind: 'trouble', what, nodes: [] })
  }
}

async function befall(event: Trouble, city: City): Promise<void> {
  const { network } = city.world
  const nodes = 'nodes' in event ? event.nodes : [event.node]
  city.history.add({ kind: 'trouble', what: event.kind, nodes })
  switch (event.kind) {
    case 'part':
    case 'mend':
      for (const inside of event.nodes) {
        for (const outside of city.machines.keys()) {
          if (event.nodes.includes(outside)) continue
          if (event.kind === 'part') network.part(inside, outside)
          else network.mend(inside, outside)
        }
      }
      return
    case 'cut':
      return network.disconnect(...event.nodes)
    case 'crash':
      city.vacate(event.node)
      return city.machine(event.node).crash()
    case 'close':
      city.vacate(event.node)
      return await city.machine(event.node).close()
    case 'open':
      return await city.reopen(event.node)
    case 'jump':
      return city.machine(event.node).jump(event.ms)
  }
}

async function heal(city: City, plan: Plan): Promise<void> {
  const { network } = city.world
  for (const { name } of plan.nodes) {
    for (const other of plan.nodes) network.mend(name, other.name)
  }
  await city.world.until(Promise.all(plan.nodes.map(({ name }) => city.reopen(name))))
  city.history.add({ kind: 'healed' })
}
