import { parentPort } from 'node:worker_threads'
import type { Part } from './plan.ts'
import { runSeed, type SeedResult } from './run-seed.ts'

/** What a worker is asked to play. */
export interface SeedTask {
  readonly seed: number
  readonly without: readonly Part[]
}

/** What it tells when it has. */
export type SeedReport = SeedResult & { readonly cpuSeconds: number }

parentPort?.on('message', (task: SeedTask) => void answer(task))

// A promise of the product's that nobody awaits ends the worker, and with it the seed.
async function answer({ seed, without }: SeedTask): Promise<void> {
  const before = process.threadCpuUsage()
  const result = await runSeed(seed, without)
  const { user, system } = process.threadCpuUsage(before)
  const report: SeedReport = { ...result, cpuSeconds: (user + system) / 1_000_000 }
  parentPort?.postMessage(report, [])
}
