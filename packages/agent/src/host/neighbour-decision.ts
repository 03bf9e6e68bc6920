import type { Name } from '@ixj/names'
import type { NeighbourEvent } from '../neighbours/neighbours-context.ts'
import { plainDecision, type Decision } from '../pipeline/decision.ts'
import type { Peer } from '../transport.ts'

/** The decision that an event with a neighbour tells of; undefined if it decides nothing. */
export function neighbourDecision(
  event: NeighbourEvent,
  by: { readonly own: Name; readonly at: number; readonly nameOf: (peer: Peer) => string },
): Decision | undefined {
  const { own, at, nameOf } = by
  switch (event.kind) {
    case 'admitted': {
      const facts = { action: 'connect', topic: own, sender: event.greeted.name, at }
      return plainDecision('hello', facts)
    }
    case 'hello-refused': {
      const facts = { action: 'connect', topic: own, sender: event.peer, at }
      return plainDecision('hello', facts, event.cause)
    }
    case 'right-refused': {
      const { topic } = event.right
      const facts = { action: 'receive', topic, sender: nameOf(event.peer), at }
      return plainDecision('right', facts, event.cause)
    }
    case 'fault': {
      const facts = { action: 'exchange', topic: own, sender: nameOf(event.peer), at }
      return plainDecision('right', facts, event.cause)
    }
    case 'gone':
    case 'route':
      return undefined
  }
}
