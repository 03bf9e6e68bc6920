import type { MeshCounts } from './counts.ts'

/**
 * Makes a call that nobody waits for: a listener, a timer, the rest of something begun. What it
 * throws, now or later, would end the process; here it is counted as `contained` and handed to
 * `onFailure`. The call begins at once; the promise never rejects.
 */
export async function contain(
  counts: MeshCounts,
  call: () => unknown,
  onFailure?: (cause: unknown) => unknown,
): Promise<void> {
  try {
    await call()
  } catch (cause) {
    counts.contained++
    if (onFailure !== undefined) await contain(counts, () => onFailure(cause))
  }
}
