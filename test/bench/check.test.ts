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
    perSecondOfRuns: [perSecond],
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

test('compareRatios() compares only with peers that both have', () => {
  expect(fallen(BEFORE, { ixj: 100_000, 'https-1': 10_000, 'mqtt-0': 1e9 })).toEqual([])
})

test('comparisonLines() shows the worst first', () => {
  const worse = compareRatios(rowsOf(BEFORE), rowsOf({ ...BEFORE, ixj: 75_000 }))
  const better = compareRatios(rowsOf(BEFORE), rowsOf(BEFORE))
  const [, first] = comparisonLines([...better, ...worse])
  expect(first?.slice(1)).toEqual(['1.58 ×', '1.19 ×', '75 %', 'FELL'])
})

test('comparisonLines() says how many agree, and tells what rose from what fell', () => {
  const scenes = [BEFORE, { ...BEFORE, ixj: 75_000 }, { ...BEFORE, ixj: 130_000 }]
  const lines = comparisonLines(scenes.flatMap((now) => compareRatios(rowsOf(BEFORE), rowsOf(now))))
  expect(lines.map((line) => line[4]).filter(Boolean)).toEqual(['FELL', 'FELL', 'ROSE', 'ROSE'])
  expect(lines).toContainEqual(['2 of 6 agree within 20 %'])
})
