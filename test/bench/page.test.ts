import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fillPage } from '../../bench/fill-page.ts'
import { PAGE, pageOf, SCALE_PAGE } from '../../bench/page.ts'
import { scalePlots } from '../../bench/scale/plots.ts'
import type { ScaleRow } from '../../bench/scale/scale.ts'
import { PATTERN_BLOCKS } from '../../bench/patterns/page.ts'
import { plotsOf } from '../../bench/patterns/plots.ts'
import { tablesOf } from '../../bench/patterns/report.ts'
import type { PatternRow, ThroughputRow } from '../../bench/patterns/rows.ts'
import { readResults, RESULTS } from '../../bench/results.ts'
import { formatTable } from '../../bench/table.ts'

const DELAYS = { p50Ms: 1, p95Ms: 2, p99Ms: 3 }

function throughput(
  contender: ThroughputRow['contender'],
  agents: number,
  perSecond: number,
): ThroughputRow {
  const scene = { pattern: '1×N', agents, bodyBytes: 200 } as const
  const counts = { count: 1, lost: 0, duplicated: 0, stray: 0, perSecondOfRuns: [perSecond] }
  const costs = { cpuSecondsPerMillion: 1e6 / perSecond, leadBytesPerDelivery: 30, memoryMiB: 99 }
  return { kind: 'throughput', contender, perSecond, ...scene, ...costs, ...counts }
}

const rows: readonly PatternRow[] = [
  throughput('ixj', 8, 200_000),
  throughput('https-1', 8, 10_000),
  { ...throughput('nats', 8, 800_000), lost: 7 },
  throughput('ixj', 64, 400_000),
  throughput('https-1', 64, 10_000),
  {
    kind: 'paced',
    contender: 'ixj',
    pattern: '1×N',
    agents: 8,
    deliveriesPerSecond: 640,
    deliveries: 1_280,
    lost: 0,
    cpus: 1.7,
    ...DELAYS,
  },
  { kind: 'answer', contender: 'ixj', asked: 100, ...DELAYS },
  { kind: 'proof', proofs: 'cold', senders: 64, cpuMsPerMessage: 4, lost: 0, ...DELAYS },
  {
    kind: 'growth',
    agents: 8,
    nodes: 8,
    idleCpus: 0.5,
    cpuSecondsPerMillion: 4,
    perSecond: 250_000,
    lost: 0,
  },
  { kind: 'not-run', contender: 'mqtt-0', at: 'start', reason: 'mosquitto is not installed' },
]

test('docs/benchmarks.md holds the figures of bench/results, and no others', () => {
  const page = readFileSync(PAGE, 'utf8')
  expect(page).toContain('<!-- measured: throughput -->')
  expect(pageOf(page)).toBe(page)
})

test('docs/scale.md holds the figures of bench/results, and no others', () => {
  const page = readFileSync(SCALE_PAGE, 'utf8')
  for (const block of ['scale', 'model', 'breaks', 'sizing']) {
    expect(page).toContain(`<!-- measured: ${block} -->`)
  }
  expect(pageOf(page)).toBe(page)
})

test('the pictures of scale are those of its figures', async () => {
  const plots = await scalePlots((readResults('scale')?.rows ?? []) as readonly ScaleRow[])
  for (const name of ['scale-hops.svg', 'scale-background.svg']) {
    const path = join(RESULTS, name)
    const there = existsSync(path) ? readFileSync(path, 'utf8') : undefined
    expect(there === plots.get(name), name).toBe(true)
  }
})

test('the pictures in bench/results are those of its figures', async () => {
  const plots = await plotsOf((readResults('patterns')?.rows ?? []) as readonly PatternRow[])
  for (const name of ['throughput.svg', 'cpu.svg', 'bytes.svg', 'latency.svg']) {
    const path = join(RESULTS, name)
    const there = existsSync(path) ? readFileSync(path, 'utf8') : undefined
    expect(there === plots.get(name), name).toBe(true)
  }
})

test('plotsOf() draws what was measured, the same each time', async () => {
  const plots = await plotsOf(rows)
  expect([...plots.keys()]).toEqual(['throughput.svg', 'cpu.svg', 'bytes.svg', 'latency.svg'])
  expect(plots.get('throughput.svg')).toContain('NATS, plain')
  expect(plots.get('latency.svg')).toContain('1×8')
  expect(await plotsOf(rows)).toEqual(plots)
})

test('plotsOf() draws nothing of nothing', async () => {
  expect(await plotsOf([])).toEqual(new Map())
})

const shown: readonly (readonly [block: string, text: string])[] = [
  [
    'goals',
    '| P2 1×8: deliveries/s, beside HTTPS/1.1, kept alive, TLS 1.3 | 20 × | ≥ 10 × | yes |',
  ],
  ['goals', '| P3 request → answer: p99 | 3 ms | ≤ 5 ms | yes |'],
  ['throughput', '| NATS, plain | 800,000 | not run |'],
  ['latency', '| ixj: signed, verified, authorised, audited | 1.0 / 2.0 / 3.0 |'],
  ['paced-cpus', '| ixj: signed, verified, authorised, audited | 1.70 |'],
  ['growth', '| 8 agents on 8 nodes | 250,000 | 4 | 0.50 | 2 |'],
  ['reading', 'delivers more in 0 of 1 scenes; at worst 0.25 times as much (1×8)'],
  ['losses', 'NATS, plain, 1×8: 7 lost, 0 came twice'],
  ['not-run', 'MQTT, QoS 0, at start: mosquitto is not installed'],
  ['bodies', 'Not measured in this run.'],
]

for (const [block, text] of shown) {
  test(`the page shows in its block ${block}: ${text}`, () => {
    expect(PATTERN_BLOCKS[block]?.(rows)).toContain(text)
  })
}

test('the terminal shows goals as met or missed, losses, and who did not run', () => {
  const text = formatTable(tablesOf(rows))
  expect(text).toMatch(/P2 1×64: deliveries\/s, beside HTTPS\/1\.1.* 40 × +≥ 20 × +met/)
  expect(text).toMatch(/NATS, plain .*0\.25 × +7 lost/)
  expect(text).toContain('NOT RUN: mqtt-0, at start: mosquitto is not installed')
})

const BLOCK = 'Before\n<!-- measured: speed -->\nold\n<!-- end -->\nafter'

test('fillPage() makes measured blocks anew and leaves the rest', () => {
  const filled = fillPage(BLOCK, (name) => `${name}: 5`)
  expect(filled).toBe('Before\n<!-- measured: speed -->\n\nspeed: 5\n\n<!-- end -->\nafter')
  expect(fillPage(filled, (name) => `${name}: 5`)).toBe(filled)
})

test('fillPage() refuses a block that nobody makes', () => {
  expect(() => fillPage(BLOCK, () => undefined)).toThrow('nobody measures "speed"')
})
