import type { Clock } from '../clock.ts'
import type { Carrier, PipelineContext } from './context.ts'

/** What a node decides with, as of another time: ms since the Unix epoch. */
export function asOf(time: number, context: PipelineContext): PipelineContext {
  const { clock } = context
  const then: Clock = { now: () => time, at: (due, run) => clock.at(due, run) }
  return { ...context, clock: then }
}

/**
 * What passed before is decided about as of then, since bindings of minutes end while their tasks
 * live on; what was revoked since counts all the same, and so does the policy of today.
 */
export function contextOf({ again }: Carrier, context: PipelineContext): PipelineContext {
  return again === undefined ? context : asOf(again.acceptedAt, context)
}
