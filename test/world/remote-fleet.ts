import { RemoteStation } from './remote-station.ts'
import type { StationReport } from './station-process.ts'

/** Stations in processes of their own; each is connected with the first. */
export class RemoteFleet implements AsyncDisposable {
  readonly stations: readonly RemoteStation[]

  private constructor(stations: readonly RemoteStation[]) {
    this.stations = stations
  }

  /** Starts them, connects them, and waits until each sees all. */
  static async start(
    size: number,
    options: { readonly seed: number; readonly waitMs: number },
  ): Promise<RemoteFleet> {
    const { seed, waitMs } = options
    const now = Date.now()
    const indexes = Array.from({ length: size }, (_, index) => index)
    const started = indexes.map((index) => RemoteStation.start({ seed, now, index }))
    const fleet = new RemoteFleet(await Promise.all(started))
    const [first, ...others] = fleet.stations
    const address = await first!.call('address')
    await Promise.all(others.map((station) => station.call('keepDialing', address)))
    await Promise.all(fleet.stations.map((station) => station.call('sees', size, waitMs)))
    return fleet
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.stations.map((station) => station[Symbol.asyncDispose]()))
  }
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
