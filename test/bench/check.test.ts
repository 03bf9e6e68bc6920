import { expect, test } from 'vitest'
import { compareRatios, comparisonLines } from '../../bench/patterns/check.ts'
import type { ContenderName } from '../../bench/patterns/process.ts'
import type { PatternRow } from '../../bench/patterns/rows.ts'

type Speeds = Readonly<Partial<Record<ContenderName, number>>>

function rowsOf(speeds: Speeds): readonly PatternRow[] {
  return Object.entries(speeds).map(([contender, perSecond]) => ({
    kind: 'throughput',
    contender: contender as ContenderName,
    pattern: '1×N',
    agents: 8,
    bodyBytes: 200,
    count: 1,
    perSecond,
    cpuSecondsPerMillion: 1e6 / perSecond,
    leadBytesPerDelivery: undefined,
    memoryMiB: 1,
    lost: 0,
    duplicated: 0,
    stray: 0,
    perSecondOfRuns: [perSecond * 0.9, perSecond, perSecond * 1.1],
  }))
}

function fallen(before: Speeds, now: Speeds): readonly string[] {
  return compareRatios(rowsOf(before), rowsOf(now))
    .filter(({ verdict }) => verdict === 'fell')
    .map(({ what }) => what)
}

const BEFORE = { ixj: 100_000, 'https-1': 10_000, nats: 400_000 }

test('compareRatios() finds nothing on a machine that is half as fast', () => {
  expect(fallen(BEFORE, { ixj: 50_000, 'https-1': 5_000, nats: 200_000 })).toEqual([])
})

test('compareRatios() finds ixj a quarter slower beside its peers', () => {
  expect(fallen(BEFORE, { ...BEFORE, ixj: 75_000 })).toEqual([
    '1×8: deliveries a second',
    '1×8: deliveries for CPU',
  ])
})

test('compareRatios() bears a tenth, by which two runs of the same code differ', () => {
  expect(fallen(BEFORE, { ...BEFORE, ixj: 90_000 })).toEqual([])
})

test('compareRatios() finds the same of two runs whichever came first', () => {
  const verdicts = (before: Speeds, now: Speeds) =>
    compareRatios(rowsOf(before), rowsOf(now)).map(({ verdict }) => verdict)
  const [near, far] = [81_000, 79_000].map((ixj) => ({ ...BEFORE, ixj }))
  expect([...verdicts(BEFORE, near!), ...verdicts(near!, BEFORE)]).toEqual(Array(4).fill('agrees'))
  expect(verdicts(BEFORE, far!)).toEqual(['fell', 'fell'])
  expect(verdicts(far!, BEFORE)).toEqual(['rose', 'rose'])
})

test('compareRatios() compares only with peers that both have', () => {
  expect(fallen(BEFORE, { ixj: 100_000, 'https-1': 10_000, 'mqtt-0': 1e9 })).toEqual([])
})

test('comparisonLines() shows the worst first', () => {
  const worse = compareRatios(rowsOf(BEFORE), rowsOf({ ...BEFORE, ixj: 75_000 }))
  const better = compareRatios(rowsOf(BEFORE), rowsOf(BEFORE))
  const [, ...lines] = comparisonLines([...better, ...worse])
  expect(lines.slice(0, 4).map((line) => line[3])).toEqual(['75 %', '75 %', '100 %', '100 %'])
  expect(lines).toContainEqual([
    '  1×8: deliveries a second',
    '1.58 ×',
    '1.19 ×',
    '75 %',
    '± 22 %',
    'FELL',
  ])
})

test('comparisonLines() says how many agree, and tells what rose from what fell', () => {
  const scenes = [BEFORE, { ...BEFORE, ixj: 75_000 }, { ...BEFORE, ixj: 130_000 }]
  const lines = comparisonLines(scenes.flatMap((now) => compareRatios(rowsOf(BEFORE), rowsOf(now))))
  expect(lines.map((line) => line[5]).filter(Boolean)).toEqual(['FELL', 'FELL', 'ROSE', 'ROSE'])
  expect(lines).toContainEqual(['2 of 6 agree within 20 %'])
})

test('compareRatios() tells what chance does by the turns of both runs, and not where there are none', () => {
  const [speed, cpu] = compareRatios(rowsOf(BEFORE), rowsOf(BEFORE))
  // Of a mean of three that are 0.1 apart 0.058; of two such peers 0.041; and both of these twice.
  const error = Math.sqrt(2 * (0.058 ** 2 + 0.041 ** 2))
  expect(speed?.byChance).toBeCloseTo(Math.exp(2 * error) - 1, 2)
  expect(cpu?.byChance).toBeUndefined()
})

test('compareRatios() compares latencies at the same pace alone', () => {
  const paced = (deliveriesPerSecond: number) =>
    (['ixj', 'nats'] as const).map((contender): PatternRow => ({
      kind: 'paced',
      contender,
      pattern: '1×N',
      agents: 8,
      deliveriesPerSecond,
      deliveries: 100,
      lost: 0,
      p50Ms: 2,
      p95Ms: 3,
      p99Ms: 4,
      p50MsOfRounds: [2, 2.1, 1.9],
    }))
  expect(compareRatios(paced(640), paced(160))).toEqual([])
  const [same] = compareRatios(paced(160), paced(160))
  expect(same?.what).toBe('1×8, 160 a second: p50')
  expect(same?.byChance).toBeGreaterThan(0)
})
