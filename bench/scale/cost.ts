/** What something cost: CPU of the process, and bytes that stayed. */
export interface Cost {
  readonly cpuMs: number
  readonly bytes: number
}

/** Runs something, and tells what it gave and cost. Garbage is collected before and after. */
export async function costOf<T>(run: () => Promise<T>): Promise<[Cost, T]> {
  const before = heapBytes()
  const cpu = process.cpuUsage()
  const value = await run()
  const { user, system } = process.cpuUsage(cpu)
  return [{ cpuMs: (user + system) / 1_000, bytes: heapBytes() - before }, value]
}

/** Bytes on the heap and beside it that are still referred to; the process runs with `--expose-gc`. */
export function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Cannot measure memory without --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
