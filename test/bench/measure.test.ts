import { expect, test } from 'vitest'
import { deliveriesOf, type Run } from '../../bench/patterns/cast.ts'
import { countAfter, countFor, hasItsTime, runSeconds } from '../../bench/patterns/measure.ts'
import { medianDelays, paceOf } from '../../bench/patterns/paced-runs.ts'
import { median, trimmedGeometricMean, varianceOfTrimmed } from '../../bench/table.ts'
import { Lineup } from '../../bench/patterns/lineup.ts'

/** A run, and what warms up. */
const LENGTH = { seconds: 0.8, warmUpSeconds: 0 }
const SCENE = { agents: 64, bodyBytes: 200 } as const

/**
 * A contender whose runs take so long to start, and then deliver so many a second; its first runs
 * take so many times as long.
 */
function contender(startSeconds: number, perSecond: number, coldTimes: readonly number[] = []) {
  const runs: number[] = []
  const secondsOf = (run: Run) =>
    (startSeconds + deliveriesOf(run) / perSecond) * (coldTimes[runs.length - 1] ?? 1)
  const run = async (of: Run) => {
    runs.push(of.count)
    return {
      received: deliveriesOf(of),
      lost: 0,
      duplicated: 0,
      stray: 0,
      seconds: secondsOf(of),
      cpuSeconds: 0,
      leadBytes: undefined,
      memoryBytes: 0,
      delaysMs: [],
    }
  }
  return { run, runs }
}

for (const pattern of ['1×N', 'N×1', 'N×N'] as const) {
  for (const perSecond of [3_000, 200_000, 2_000_000]) {
    test(`countFor() finds a run of its length: ${pattern}, ${perSecond} a second after a slow start`, async () => {
      const { run } = contender(0.05, perSecond)
      const { count } = await countFor({ run, contender: 'https-2' }, { pattern, ...SCENE }, LENGTH)
      const each = deliveriesOf({ pattern, ...SCENE, count: 1, number: 0 })
      const seconds = 0.05 + (count * each) / perSecond
      // Where one message of each takes longer than the run, one is what there is.
      expect(seconds).toBeLessThan(Math.max(1.2, 0.06 + each / perSecond))
      expect(seconds).toBeGreaterThan(0.4)
    })
  }
}

test('countFor() goes on until it has warmed up for so long', async () => {
  const { run, runs } = contender(0, 10_000)
  const length = { seconds: 0.5, warmUpSeconds: 2.5 }
  await countFor({ run, contender: 'https-2' }, { pattern: '1×N', ...SCENE }, length)
  const seconds = runs.reduce((sum, count) => sum + (count * 64) / 10_000, 0)
  expect(seconds).toBeGreaterThan(2.5)
  expect(seconds).toBeLessThan(3.2)
})

test('countFor() finds a run of its length when the first runs are cold', async () => {
  // As it was with 64×64: a first message of each took a second, and so one was what was measured.
  const perSecond = 300_000
  const { run, runs } = contender(0, perSecond, [80, 8, 4, 2])
  const scene = { pattern: 'N×N', ...SCENE } as const
  const { count } = await countFor({ run, contender: 'https-2' }, scene, LENGTH)
  expect(runs[0]).toBe(1)
  expect(deliveriesOf({ ...scene, count, number: 0 }) / perSecond).toBeCloseTo(0.8, 1)
})

for (const name of ['ixj', 'nats', 'nats-tls'] as const) {
  test(`countFor() has each sender of ${name} send a whole bundle where one message lasts long enough already`, async () => {
    // As it was with 512×1: a bundle of one message costs its sender what a full one does.
    const scene = { pattern: 'N×1', agents: 512, bodyBytes: 200 } as const
    const { run, runs } = contender(0.45, 100_000)
    expect(await countFor({ run, contender: name }, scene, LENGTH)).toEqual({
      count: 256,
      runs: [],
    })
    expect(Math.max(...runs)).toBeLessThan(256)
    const { run: slow } = contender(0.45, 10_000)
    // A bundle of each would last 14 s, ten runs last 8: as much as goes in that time.
    const { count } = await countFor({ run: slow, contender: name }, scene, LENGTH)
    expect(deliveriesOf({ ...scene, count, number: 0 }) / 10_000).toBeGreaterThan(4)
    expect(deliveriesOf({ ...scene, count, number: 0 }) / 10_000).toBeLessThan(8)
  })
}

test('countFor() has large bodies fill a bundle as well, with fewer messages', async () => {
  const countAt = async (bodyBytes: number) => {
    const { run } = contender(0.5, 200)
    const scene = { pattern: 'N×N', agents: 8, bodyBytes } as const
    return (await countFor({ run, contender: 'ixj' }, scene, { ...LENGTH, seconds: 1 })).count
  }
  expect(await countAt(4_000)).toBe(15)
  expect(await countAt(60_000)).toBeLessThan(4)
})

test('countFor() counts no run as a turn while runs still become faster', async () => {
  const { run } = contender(
    0,
    300_000,
    Array.from({ length: 20 }, (_, index) => 2 ** (20 - index)),
  )
  const { runs } = await countFor(
    { run, contender: 'https-2' },
    { pattern: '1×N', ...SCENE },
    LENGTH,
  )
  expect(runs).toEqual([])
})

test('runSeconds() gives everybody longer where a message of each is many deliveries', () => {
  const pace = { rounds: 5, secondsOfRun: 0.5 }
  expect(runSeconds({ pattern: 'N×N', ...SCENE }, pace)).toBe(1)
  expect(runSeconds({ pattern: '1×N', ...SCENE }, pace)).toBe(0.5)
})

test('countFor() does not try two of each where one takes far longer than a run', async () => {
  // As A2A in 64×64: a message of each takes five seconds, and two of each took ten.
  const { run, runs } = contender(0, 750)
  const length = { seconds: 1.6, warmUpSeconds: 1 }
  const { count, runs: turns } = await countFor(
    { run, contender: 'https-2' },
    { pattern: 'N×N', ...SCENE },
    length,
  )
  expect(count).toBe(1)
  // The second is not run once more to be measured.
  expect(turns.map(({ outcome }) => outcome.seconds)).toEqual([expect.closeTo(4_096 / 750)])
  expect(runs).toEqual([1, 1])
})

test('countFor() does not settle for one message of each because the first run was cold', async () => {
  // As ixj in 512×1: the first run waits for the proofs of all senders.
  const { run } = contender(0, 50_000, [150])
  const length = { seconds: 0.4, warmUpSeconds: 0.5 }
  const { count } = await countFor(
    { run, contender: 'https-2' },
    { pattern: 'N×1', agents: 512, bodyBytes: 200 },
    length,
  )
  expect(count).toBeGreaterThan(32)
})

test('countFor() counts in whole batches where there is more than one', async () => {
  const countAt = async (perSecond: number) => {
    const { run } = contender(0, 64 * perSecond)
    const scene = { pattern: 'N×N', agents: 8, bodyBytes: 200 } as const
    const { count, runs } = await countFor({ run, contender: 'https-2' }, scene, LENGTH)
    // The last that looked for it was as long as those to come: it is a turn.
    expect(runs.map(({ outcome }) => outcome.seconds)).toEqual([
      expect.closeTo(count / perSecond, 0),
    ])
    return count
  }
  expect(await countAt(395)).toBe(256)
  expect(await countAt(616)).toBe(512)
  expect(await countAt(200)).toBe(160)
})

/** Turns of so many messages of each sender, and how long each took. */
const trialsOf = (...turns: readonly (readonly [number, number])[]) =>
  turns.map(([count, seconds]) => ({
    count,
    outcome: {
      received: count,
      lost: 0,
      duplicated: 0,
      stray: 0,
      seconds,
      cpuSeconds: seconds,
      leadBytes: undefined,
      memoryBytes: undefined,
      delaysMs: [],
    },
  }))

test('countAfter() has the next turn last as long as it should, by the median of the last three', () => {
  const aim = { seconds: 0.4, each: 64, most: 1_000, batch: 1 }
  expect(countAfter(trialsOf([16, 0.2]), aim)).toBe(32)
  expect(countAfter(trialsOf([16, 0.2], [32, 0.2], [64, 4], [64, 0.2]), aim)).toBe(64)
  // In whole batches where there is more than one, and no more than a machine can hold.
  expect(countAfter(trialsOf([300, 0.2]), aim)).toBe(512)
  expect(countAfter(trialsOf([512, 0.1]), aim)).toBe(1_000)
  expect(countAfter(trialsOf([1, 5]), aim)).toBe(1)
})

test('countAfter() is a whole bundle at the least for who fills them, in ten times that time', () => {
  const aim = { seconds: 0.4, each: 512, most: 1_000, batch: 256 }
  expect(countAfter(trialsOf([100, 1]), aim)).toBe(256)
  expect(countAfter(trialsOf([20, 1]), aim)).toBe(80)
})

const runsOf = (...seconds: readonly number[]) => seconds.map((each) => ({ seconds: each }))

test('hasItsTime() spreads the runs of who is slow over all turns, and wants two at least', () => {
  const taken = (secondsOfRun: number) => {
    const runs: { readonly seconds: number }[] = []
    const turns: number[] = []
    for (let offered = 0; offered < 4; offered++) {
      if (hasItsTime(runs, { seconds: 0.4, offered, of: 4 })) continue
      runs.push({ seconds: secondsOfRun })
      turns.push(offered)
    }
    return turns
  }
  expect(taken(0.4)).toEqual([0, 1, 2, 3])
  expect(taken(0.8)).toEqual([0, 1, 3])
  expect(taken(5)).toEqual([0, 3])
})

test('hasItsTime() counts a run that was long before the first turn', () => {
  const late = { seconds: 0.4, of: 4 }
  expect(hasItsTime(runsOf(13), { ...late, offered: 0 })).toBe(true)
  expect(hasItsTime(runsOf(13), { ...late, offered: 3 })).toBe(false)
  expect(hasItsTime(runsOf(13, 13), { ...late, offered: 3 })).toBe(true)
})

test('paceOf() is 160 deliveries a second, or ten messages where those are more', () => {
  const scene = { agents: 64, bodyBytes: 200 } as const
  expect(paceOf({ ...scene, pattern: 'N×1' })).toBe(160)
  expect(paceOf({ ...scene, pattern: '1×N' })).toBe(640)
  expect(paceOf({ ...scene, pattern: '1×N', agents: 8 })).toBe(160)
})

test('medianDelays() takes each percentile by itself, so that one bad round is one', () => {
  const rounded = [
    { p50Ms: 1, p95Ms: 3, p99Ms: 90 },
    { p50Ms: 2, p95Ms: 80, p99Ms: 5 },
    { p50Ms: 70, p95Ms: 4, p99Ms: 6 },
  ]
  expect(medianDelays(rounded)).toEqual({ p50Ms: 2, p95Ms: 4, p99Ms: 6 })
})

test('trimmedGeometricMean() leaves out what a quarter of turns met at either end, if there are four', () => {
  expect(trimmedGeometricMean([1_000, 4, 9, 0.001])).toBeCloseTo(6)
  expect(trimmedGeometricMean([1, 2, 4, 8, 1e6])).toBeCloseTo(4)
  expect(trimmedGeometricMean([1, 10, 100])).toBeCloseTo(10)
})

test('varianceOfTrimmed() is that of the mean where nothing is left out, and grows with the middle only', () => {
  const [low, high] = [Math.log(2), Math.log(8)]
  expect(varianceOfTrimmed([2, 8])).toBeCloseTo((high - low) ** 2 / 4)
  // The outer two of four are drawn in to the inner ones: a variance of a third of it, over 4 and 0.5².
  expect(varianceOfTrimmed([0.01, 2, 8, 1e9])).toBeCloseTo((high - low) ** 2 / 3)
  expect(varianceOfTrimmed([1, 2, 8, 9])).toBeCloseTo((high - low) ** 2 / 3)
  expect(varianceOfTrimmed([2])).toBeNaN()
})

test('median() is between the two in the middle of an even number', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([3, 1, 2])).toBe(2)
})

test('countFor() sends no more bytes in a run than a machine can hold', async () => {
  const { run } = contender(0, 1e9)
  const scene = { pattern: '1×N', agents: 8, bodyBytes: 60_000 } as const
  const { count } = await countFor({ run, contender: 'https-2' }, scene, {
    seconds: 10,
    warmUpSeconds: 0,
  })
  expect(count).toBeLessThanOrEqual((4 * 1024 ** 3) / 60_000 / 8)
})

test('a contender that fails is out and told with its reason, and the others go on', async () => {
  await using lineup = await Lineup.open(
    ['nats', 'https-2'],
    { processes: 2, crews: [1] },
    () => {},
  )
  const turns = await lineup.each('a scene', async ({ contender: name }) => {
    if (name === 'nats') throw new Error('broken off\n    at a place in a file')
    return name
  })
  expect([...turns.values()]).toEqual(['https-2'])
  expect(lineup.notRun).toEqual([
    { kind: 'not-run', contender: 'nats', at: 'a scene', reason: 'broken off' },
  ])
  const after = await lineup.each('the next', async ({ contender: name }) => name)
  expect([...after.keys()]).toEqual(['https-2'])
})
