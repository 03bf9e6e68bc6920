import { expect, test } from 'vitest'
import { DOCKS, isCold, SHELVES } from '../../src/demo/fleet/floor-plan.ts'
import { type OtherRobot, RobotBody } from '../../src/demo/fleet/robot-body.ts'
import { seededRandom } from '../../../../test/world/random.ts'

const STEP_MS = 100
/** How old the news of others is that a robot decides by. */
const NEWS_MS = 200

interface Run {
  readonly done: number
  readonly nearest: number
}

/** Robots at work for a while, each with the news that it would have of the others. */
function work(seed: number, minutes: number, robots = 6): Run {
  const chance = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(chance() * from.length)]!
  const shelves = SHELVES.filter((shelf) => !isCold(shelf))
  const bodies = Array.from(
    { length: robots },
    (_, index) => new RobotBody(`r${index + 1}`, DOCKS[index * 2]!),
  )
  const news: OtherRobot[][] = []
  let [done, nearest, number] = [0, Infinity, 0]
  for (let now = 0; now < minutes * 60_000; now += STEP_MS) {
    news.push(bodies.map(({ name, x, y, claim }) => ({ name, x, y, claim, ageMs: NEWS_MS })))
    const heard = news[Math.max(0, news.length - 1 - NEWS_MS / STEP_MS)]!
    for (const body of bodies) {
      if (body.job === undefined) {
        number += 1
        body.assign({ number, from: pick(shelves), to: pick(DOCKS) })
      }
      const others = heard.filter(({ name }) => name !== body.name)
      if (body.step({ now, others, isGateOpen: false }) !== undefined) done += 1
    }
    for (const [index, one] of bodies.entries()) {
      for (const other of bodies.slice(index + 1)) {
        nearest = Math.min(nearest, Math.hypot(one.x - other.x, one.y - other.y))
      }
    }
  }
  return { done, nearest }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'robots at work do not touch, and get on with it (seed %i)',
  (seed) => {
    const { done, nearest } = work(seed, 10)
    expect({ isClear: nearest > 0.5, nearest }).toMatchObject({ isClear: true })
    expect(done).toBeGreaterThan(40)
  },
)

test('a robot keeps two metres from where one was that it does not hear of', () => {
  const body = new RobotBody('r1', { column: 0, row: 0 })
  body.assign({ number: 1, from: { column: 9, row: 0 }, to: { column: 0, row: 0 } })
  const silent = { name: 'r2', x: 6.5, y: 0.5, claim: null, ageMs: 5_000 }
  let nearest = Infinity
  for (let now = 0; now < 30_000; now += STEP_MS) {
    body.step({ now, others: [silent], isGateOpen: false })
    nearest = Math.min(nearest, Math.hypot(body.x - silent.x, body.y - silent.y))
  }
  expect(nearest).toBeGreaterThan(1.5)
})

test('a robot that is stopped stands until it is told to go on', () => {
  const body = new RobotBody('r1', { column: 0, row: 0 })
  body.assign({ number: 1, from: { column: 3, row: 0 }, to: { column: 0, row: 0 } })
  const run = (from: number, to: number) => {
    for (let now = from; now < to; now += STEP_MS) body.step({ now, others: [], isGateOpen: false })
  }
  run(0, 1_000)
  body.stop()
  const x = body.x
  run(1_000, 3_000)
  expect([body.x, body.doing]).toEqual([x, 'stopped'])
  body.goOn()
  run(3_000, 5_000)
  expect(body.x).toBeGreaterThan(x)
})

test('a robot waits before the gate of the cold store until it is open', () => {
  const body = new RobotBody('r1', { column: 17, row: 6 })
  const cold = SHELVES.find(isCold)!
  body.assign({ number: 1, from: cold, to: { column: 0, row: 0 } })
  for (let now = 0; now < 5_000; now += STEP_MS) body.step({ now, others: [], isGateOpen: false })
  expect([body.x, body.doing]).toEqual([17.5, 'waits'])
  for (let now = 5_000; now < 20_000; now += STEP_MS) {
    body.step({ now, others: [], isGateOpen: true })
  }
  expect(body.doing).toBe('carries')
})
