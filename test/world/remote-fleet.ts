import { RemoteStation } from './remote-station.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Network } from './network/network.ts'
import type { Load, StationReport } from './station-process.ts'

/** By sender, the numbers of the messages that were handed over. */
export type Sent = ReadonlyMap<string, readonly number[]>

/** How a fleet of processes is started. */
export interface RemoteFleetOptions {
  readonly seed: number
  /** How long they may take to see each other. */
  readonly waitMs: number
  /** Each on a host of its own there; default: all on this machine's loopback. */
  readonly network?: Network
  /** Each dials so many that come after it; default: each dials the first alone. */
  readonly dials?: number
}

/** Stations in processes of their own. */
export class RemoteFleet implements AsyncDisposable {
  readonly stations: readonly RemoteStation[]

  private constructor(stations: readonly RemoteStation[]) {
    this.stations = stations
  }

  /** Starts them, connects them, and waits until each sees all. */
  static async start(size: number, options: RemoteFleetOptions): Promise<RemoteFleet> {
    const { seed, waitMs, network, dials } = options
    const now = Date.now()
    const started = Array.from({ length: size }, (_, index) => {
      const start = { seed, now, index }
      if (network === undefined) return RemoteStation.start(start)
      const listen = [`/ip4/${network.addressOf(index)}/tcp/4001`]
      return RemoteStation.start({ ...start, listen }, { under: network.on(index) })
    })
    const fleet = new RemoteFleet(await Promise.all(started))
    const addresses = await Promise.all(fleet.stations.map((station) => station.call('address')))
    for (const [index, station] of fleet.stations.entries()) {
      for (const target of targetsOf(index, size, dials)) {
        await station.call('keepDialing', addresses[target]!)
      }
    }
    await Promise.all(fleet.stations.map((station) => station.call('sees', size, waitMs)))
    return fleet
  }

  /** Every station publishes, at once. Gives, by sender, the numbers of what was handed over. */
  async publish(...loads: readonly Load[]): Promise<Sent> {
    const sent = this.stations.map(async (station, index) => {
      const all = await Promise.all(loads.map((load) => station.call('publish', load)))
      return [`m${index}`, all.flatMap((one) => one.sent)] as const
    })
    return new Map(await Promise.all(sent))
  }

  /**
   * Publishes these loads again and again, until a round leaves the processors some rest or the time
   * is over: programs that have just started compile what they do, and are slow meanwhile.
   */
  async warm(until: { readonly ms: number; readonly cpus: number }, ...loads: readonly Load[]) {
    const began = performance.now()
    const warming = { seconds: 0, cpus: Infinity, of: 0, missing: 0, latencies: [] as number[] }
    let before = await this.#cpuSeconds()
    while (warming.cpus > until.cpus && warming.seconds * 1_000 < until.ms) {
      const start = performance.now()
      const sent = await this.publish(...loads)
      const reports = await this.settled(sent, until.ms)
      const after = reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
      const { of, missing } = lossOf(sent, reports)
      warming.of += of
      warming.missing += missing
      warming.latencies.push(...reports.flatMap(({ latencies }) => latencies))
      warming.cpus = ((after - before) * 1_000) / (performance.now() - start)
      warming.seconds = (performance.now() - began) / 1_000
      before = after
    }
    if (warming.of > 0) await this.stations[0]!.call('keepCompiled')
    return warming
  }

  async #cpuSeconds(): Promise<number> {
    const reports = await Promise.all(this.stations.map((station) => station.call('report')))
    return reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  }

  /** How long it takes until the shared state is the same at all, with a register of each, in ms. */
  async agreed(ms: number): Promise<number> {
    const began = performance.now()
    const elapsed = (): number => performance.now() - began
    for (;;) {
      const all = await Promise.all(this.stations.map((station) => station.call('digest')))
      if (all[0]!.startsWith(`${all.length} `) && new Set(all).size === 1) return elapsed()
      if (elapsed() > ms) return Infinity
      await sleep(100)
    }
  }

  /** Waits until all have come to all others, or the time is over; gives every station's report. */
  async settled(sent: Sent, ms: number): Promise<readonly StationReport[]> {
    const waits = this.stations.flatMap((station, index) =>
      [...sent].map(async ([sender, numbers]) => {
        if (sender !== `m${index}`) await station.call('got', sender, numbers.length, ms)
      }),
    )
    await Promise.all(waits)
    return await Promise.all(this.stations.map((station) => station.call('report')))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.stations.map((station) => station[Symbol.asyncDispose]()))
  }
}

/** Whom a station dials. */
function targetsOf(index: number, size: number, dials: number | undefined): readonly number[] {
  if (dials === undefined) return index === 0 ? [] : [0]
  const targets = Array.from({ length: dials }, (_, step) => (index + step + 1) % size)
  return [...new Set(targets)].filter((target) => target !== index)
}

/** Of what was handed over, what should have come to the others, and what did not. */
export function lossOf(
  sent: Sent,
  reports: readonly StationReport[],
): { readonly of: number; readonly missing: number } {
  let [of, missing] = [0, 0]
  for (const [index, heard] of reports.entries()) {
    for (const [sender, numbers] of sent) {
      if (sender === `m${index}`) continue
      of += numbers.length
      missing += missingOf(heard, sender, numbers)
    }
  }
  return { of, missing }
}

/** How many of these messages of a sender a station has not got. */
export function missingOf(report: StationReport, sender: string, sent: readonly number[]): number {
  const received = new Set(report.received[sender])
  return sent.filter((number) => !received.has(number)).length
}

/** The value below which that part of all lies. */
export function quantileOf(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}
