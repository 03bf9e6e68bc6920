import { TrustError, type PublishedKey } from '@ixj/trust'
import type { TrustState } from './trust-state.ts'

/** A right as a check found it. */
export interface FoundRight {
  /** When its statements end, ms since the Unix epoch. */
  readonly until: number
  /** Keys in DNS that it rests on. */
  readonly rests: readonly PublishedKey[]
}

/** A right that held once. Its end by time is the caller's to look at. */
export interface WatchedRight {
  readonly until: number
  /** Whether nothing in it was revoked, taken back by the DNS, or lost its anchor since. */
  holds(): boolean
}

/**
 * Watches a right that was found to hold: it is checked again when anchors, statuses or revocations
 * have changed; between these it costs a look at the keys in DNS that it rests on.
 */
export function watchRight(
  first: FoundRight,
  check: () => FoundRight,
  context: {
    readonly trust: Pick<TrustState, 'generation'>
    isOutvoted(key: PublishedKey): boolean
  },
): WatchedRight {
  let { generation } = context.trust
  let found: FoundRight | undefined = first
  let { until } = first
  return {
    get until() {
      return until
    },
    holds() {
      if (generation !== context.trust.generation) {
        ;({ generation } = context.trust)
        found = heldBy(check)
        until = found?.until ?? until
      }
      return found !== undefined && !found.rests.some((key) => context.isOutvoted(key))
    },
  }
}

/** Undefined where it does not hold. */
function heldBy(check: () => FoundRight): FoundRight | undefined {
  try {
    return check()
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
