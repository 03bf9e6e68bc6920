import { HELD_SUBSCRIPTIONS_MAX } from '@ixj/agent'

/** What one neighbour may know and receive, and what it asked for; topics are names. */
export class Rights {
  /** Topics that it may receive. */
  readonly allowed = new Set<string>()
  /** Topics that it may know us to be subscribed to. */
  readonly announced = new Set<string>()
  /** Topics that it was told we are subscribed to. */
  readonly told = new Set<string>()
  /** Topics that it subscribed to, with a right. */
  readonly subscribed = new Set<string>()
  /** Topics that it subscribed to, without a right so far. */
  readonly held = new Set<string>()

  /** Keeps a subscription that came too early; false when too many are kept. */
  hold(topic: string): boolean {
    if (this.held.size >= HELD_SUBSCRIPTIONS_MAX && !this.held.has(topic)) return false
    this.held.add(topic)
    return true
  }
}
