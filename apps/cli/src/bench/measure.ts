import type { Agent } from '@ixj/agent'
import type { Name } from '@ixj/names'

/** Messages that are on their way at once; of larger ones, as many as fit into 8 MiB. */
export const WINDOW = 4_096
const WINDOW_BYTES = 8 * 1024 * 1024

/** How long answers took. */
export interface Answers {
  readonly asked: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/** How many messages went, until a node that hosts the name had accepted the last. */
export interface Throughput {
  readonly sent: number
  readonly bodyBytes: number
  readonly perSecond: number
  /** Of this process, for each message. */
  readonly cpuMicros: number
}

/**
 * Asks an agent so often, at that pace, whether answers come or not; one question goes before, with
 * which both find each other. @throws AgentError as `request` of an agent
 */
export async function measureAnswers(
  agent: Agent,
  to: Name,
  options: {
    readonly count: number
    readonly perSecond: number
    readonly body: Uint8Array
    readonly signal: AbortSignal
  },
): Promise<Answers> {
  const { count, perSecond, body, signal } = options
  await agent.request(to, body, { signal })
  const began = performance.now()
  const delaysMs = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const due = began + (index * 1_000) / perSecond
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
      const askedAt = performance.now()
      await agent.request(to, body, { signal })
      return performance.now() - askedAt
    }),
  )
  const sorted = delaysMs.toSorted((left, right) => left - right)
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { asked: count, perSecond, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}

/** Sends so many messages to an inbox as fast as it goes. @throws AgentError as `send` of an agent */
export async function measureThroughput(
  agent: Agent,
  to: Name,
  options: { readonly count: number; readonly body: Uint8Array; readonly signal: AbortSignal },
): Promise<Throughput> {
  const { count, body, signal } = options
  const window = Math.max(1, Math.min(WINDOW, Math.floor(WINDOW_BYTES / body.length)))
  const began = performance.now()
  const before = process.cpuUsage()
  let next = 0
  const lane = async () => {
    while (next < count) {
      next += 1
      await agent.send(to, body, { signal })
    }
  }
  await Promise.all(Array.from({ length: Math.min(window, count) }, lane))
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - began) / 1_000
  const perSecond = count / seconds
  return { sent: count, bodyBytes: body.length, perSecond, cpuMicros: (user + system) / count }
}
