import { AgentError } from '../agent-error.ts'
import type { Lane, Waiting } from './lane-queue.ts'

/** What a bundle is made of; without `until`, it has all of its lane's lifespan. */
export type Taken = Pick<Waiting, 'messages' | 'gathered'> & Partial<Pick<Waiting, 'until'>>

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

/**
 * How long a bundle of these may live: however long they waited, they are worth nothing when the
 * lifespan of the first is over. Those without an end have all of their lane's; in ms, at least 1.
 */
export function lifespanLeft({ lifespanMs }: Lane, all: readonly Taken[], now: number): number {
  const left = all.reduce((least, { until = Infinity }) => Math.min(least, until), Infinity) - now
  return Math.min(lifespanMs, Math.max(1, left))
}
