import { Worker } from 'node:worker_threads'
import type { Part } from './plan.ts'
import type { SeedReport, SeedTask } from './worker.ts'

/** Which seeds to play, and how. */
export interface SeedRange {
  readonly from: number
  readonly count: number
  readonly workers: number
  readonly without?: readonly Part[]
  /** Called as each one is through, in no order. */
  readonly done?: (report: SeedReport) => void
}

/**
 * Plays many seeds in worker threads. A worker that dies is a violation of its seed, and is replaced.
 */
export async function runSeeds(range: SeedRange): Promise<readonly SeedReport[]> {
  const { from, count, workers, without = [], done = () => {} } = range
  const reports: SeedReport[] = []
  let next = from
  const take = (): SeedTask | undefined =>
    next < from + count ? { seed: next++, without } : undefined
  const note = (report: SeedReport): void => {
    reports.push(report)
    done(report)
  }
  await Promise.all(Array.from({ length: Math.min(workers, count) }, () => workOff(take, note)))
  return reports.toSorted((left, right) => left.seed - right.seed)
}

/** One worker after the other, until no seed is left. */
async function workOff(
  take: () => SeedTask | undefined,
  note: (report: SeedReport) => void,
): Promise<void> {
  for (let task = take(); task !== undefined; task = take()) {
    let current = task
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      execArgv: ['--conditions=ixj:src'],
    })
    await new Promise<void>((resolve) => {
      worker.on('message', (report: SeedReport) => {
        note(report)
        const following = take()
        if (following === undefined) return void worker.terminate().then(() => resolve())
        current = following
        worker.postMessage(following, [])
      })
      worker.on('error', (cause) => {
        const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
        const violations = [{ rule: 'fault', what }] as const
        note({ seed: current.seed, heard: 0, violations, cpuSeconds: 0 })
        resolve()
      })
      worker.postMessage(current, [])
    })
  }
}
