import { markdownTable } from '../fill-page.ts'
import type { Results } from '../results.ts'
import type { Checked, Modelled, ScaleRow } from './scale.ts'
import { digits } from './scale-table.ts'
import { breaks, hopsLine, sizing, type DnsFigures } from './model/sizing.ts'

/** Agents of all the world that are sized on paper. */
const WORLDS = [1e9, 1e10, 1e11, 1e12]
const GIB = 1024 ** 3
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** The blocks of docs/scale.md that are calculated, by their names. */
export function scaleBlocks(
  scale: Results | undefined,
  dns: Results | undefined,
): Readonly<Record<string, string>> {
  const rows = (scale?.rows ?? []) as readonly ScaleRow[]
  const costs = rows.find((row) => row.kind === 'calibration')
  const modelled = rows.filter((row) => row.kind === 'model')
  return {
    model: modelBlock(modelled),
    breaks: breaksBlock(costs),
    sizing: sizingBlock(costs, modelled, dns),
  }
}

const NOT_MEASURED = 'Not measured yet.'

function modelBlock(modelled: readonly Modelled[]): string {
  if (modelled.length === 0) return NOT_MEASURED
  const head = ['nodes', 'hops, mean', 'most', 'copies at a node', 'half have it after, ms']
  return markdownTable(
    [...head, '99 of 100, ms', 'the last, ms', 'CPU of all, s'],
    modelled.map((row) => [
      power(row.nodes),
      ...[row.hopsMean, row.hopsMost, row.copiesEach, row.halfMs, row.p99Ms, row.lastMs].map(
        digits,
      ),
      digits(row.cpuMs / 1_000),
    ]),
  )
}

function breaksBlock(costs: Checked | undefined): string {
  if (costs === undefined) return NOT_MEASURED
  return markdownTable(
    ['what', 'ends at', 'grows with', 'by'],
    breaks(costs).map(({ what, growsWith, endsBy, at }) => [what, digits(at), growsWith, endsBy]),
  )
}

function sizingBlock(
  costs: Checked | undefined,
  modelled: readonly Modelled[],
  dns: Results | undefined,
): string {
  if (costs === undefined || modelled.length < 2 || dns === undefined) return NOT_MEASURED
  const options = { dns: dnsFigures(dns), hopsOf: hopsLine(modelled) }
  const worlds = WORLDS.map((agents) => sizing(agents, costs, options))
  const line = (what: string, valueOf: (world: (typeof worlds)[number]) => number) => [
    what,
    ...worlds.map((world) => large(valueOf(world))),
  ]
  return markdownTable(
    ['agents', ...WORLDS.map(power)],
    [
      line('nodes', ({ nodes }) => nodes),
      line('organisations, each a zone and a root', ({ organisations }) => organisations),
      line('births a second', ({ births }) => births),
      line('every key in the DNS: GiB of records', ({ dnsBytes }) => dnsBytes / GIB),
      line('every key in the DNS: servers for the updates', ({ dnsServers }) => dnsServers),
      line('of that, one zone: part of a server', ({ zonePart }) => zonePart),
      line('one message to all: hops', ({ toAllHops }) => toAllHops),
      line('one message to all: CPU of all nodes, s', (world) => world.toAllCpuSeconds),
      line(
        'each agent one message a day to all: cores of each node',
        (world) => world.toAllDailyCores,
      ),
      line('one node: MiB for its agents', ({ nodeBytes }) => nodeBytes / 1024 ** 2),
    ],
  )
}

/** What the bench `dns` measured of the embedded server. @throws Error if it did not */
export function dnsFigures({ rows }: Results): DnsFigures {
  const valueOf = (what: string): number => {
    const found = (rows as readonly { readonly what?: string; readonly value?: number }[]).find(
      (row) => row.what === what,
    )
    if (found?.value === undefined) throw new Error(`The bench dns did not measure "${what}"`)
    return found.value
  }
  return {
    updatesPerSecond: valueOf('embedded: updates, 10 a message'),
    answersPerSecond: valueOf('embedded: signed answers'),
    proofBytes: valueOf('proof, one zone, one key: size'),
  }
}

/** 10⁶ for 1000000. */
function power(value: number): string {
  const exponent = Math.round(Math.log10(value))
  return `10${[...String(exponent)].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')}`
}

function large(value: number): string {
  if (value < 10_000) return digits(value)
  const exponent = Math.floor(Math.log10(value))
  return `${(value / 10 ** exponent).toFixed(1)} × ${power(10 ** exponent)}`
}
