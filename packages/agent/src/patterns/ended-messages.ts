import { AgentError } from '../agent-error.ts'
import type { Lane, Waiting } from './lane-queue.ts'

/** Tells messages whose lifespan ended while they waited for their turn, `expired`; gives the others. */
export function rejectEnded(
  { topic, lifespanMs }: Lane,
  all: readonly Waiting[],
  now: number,
): readonly Waiting[] {
  const ended = all.filter(({ until }) => until < now)
  if (ended.length === 0) return all
  for (const waiting of ended) {
    const waited = `${now - waiting.until + lifespanMs} ms, its lifespan is ${lifespanMs}`
    waiting.reject(new AgentError('expired', `Cannot send to ${topic}: it waited ${waited}`))
  }
  return all.filter(({ until }) => until >= now)
}
