import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Ticks of a second in /proc; fixed by Linux for user space. */
const TICKS_PER_SECOND = 100

/** CPU seconds, of all threads, that these processes have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    // The name in field 2 may hold spaces; behind its parenthesis come fields 3 and on.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }, 0)
}

/**
 * Memory of these processes now, in bytes: of a page that several share, each has its part.
 */
export function memoryBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return sum + Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1_024
  }, 0)
}

/** Bytes that each open TCP connection of a process has sent, by its two ends. */
export type SentBytes = ReadonlyMap<string, number>

/**
 * Asks the kernel, which counts with TLS, noise and framing, without IP and TCP headers. Undefined
 * without `ss` (iproute2).
 */
export function sentBytes(pid: number): SentBytes | undefined {
  let text: string
  try {
    text = execFileSync('ss', ['-tinpHO', 'state', 'established'], {
      encoding: 'utf8',
      // Half a kilobyte for each connection, of which HTTP/1.1 opens many.
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  const lines = text.split('\n').filter((line) => line.includes(`pid=${pid},`))
  return new Map(
    lines.map((line) => {
      const [, , local, remote] = line.split(/\s+/)
      return [`${local} ${remote}`, Number(/bytes_sent:(\d+)/.exec(line)?.[1] ?? 0)]
    }),
  )
}

/** What was sent between two looks; undefined if a connection has ended, its count with it. */
export function sentBetween(
  before: SentBytes | undefined,
  after: SentBytes | undefined,
): number | undefined {
  if (before === undefined || after === undefined) return undefined
  if ([...before.keys()].some((ends) => !after.has(ends))) return undefined
  return [...after].reduce((sum, [ends, bytes]) => sum + bytes - (before.get(ends) ?? 0), 0)
}
