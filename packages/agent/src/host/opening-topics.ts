import type { Name } from '@ixj/names'
import { TrustError } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { checkMember } from '../neighbours/right.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import { TransportError, type Transport } from '../transport.ts'
import type { Identity } from './identity.ts'
import type { Sink, Topics } from './topics.ts'

/** What the opening of a topic changes, and what tells whether a right to it holds. */
interface Opening {
  readonly topics: Topics
  readonly clock: Clock
  readonly transport: Transport
  readonly neighbours: Neighbours
  readonly identity: Pick<Identity, 'name' | 'signer'>
  readonly proofs: ProofBook
  readonly trust: TrustState
}

/**
 * Opens a topic for one agent; neighbours are shown the right when it is the first, or a better one.
 * @throws AgentError `mixed-topic`, `open-already`; TransportError `topic-budget`
 */
export async function openTopic(topic: OpenTopic, sink: Sink, opening: Opening): Promise<void> {
  const { topics, clock, transport, neighbours } = opening
  const holds = holdsHere(opening)
  const result = topics.add(topic, sink, { now: clock.now(), holds })
  if (result === 'changed') showAgain(topic.topic, opening)
  if (result !== 'opened') return
  try {
    if (topic.carrier === topic.topic) await transport.subscribe(topic.carrier)
  } catch (cause) {
    topics.remove(topic.topic, sink, holds)
    throw cause
  }
  neighbours.opened(topic)
}

/** Closes a topic for one agent. */
export async function closeTopic(topic: OpenTopic, sink: Sink, opening: Opening): Promise<void> {
  const result = opening.topics.remove(topic.topic, sink, holdsHere(opening))
  if (result === 'closed') {
    opening.neighbours.closed(topic)
    if (topic.carrier === topic.topic) await unsubscribe(topic.carrier, opening.transport)
  } else if (result === 'changed') {
    showAgain(topic.topic, opening)
  }
}

/** After a revocation: neighbours are shown the right of another agent where the one shown is void. */
export function reviewTopics(opening: Opening): void {
  for (const topic of opening.topics.review(holdsHere(opening))) showAgain(topic, opening)
}

/** Whether neighbours would find that a right holds, by what this node knows. */
function holdsHere({ clock, identity, proofs, trust }: Opening): (open: OpenTopic) => boolean {
  const node = { name: identity.name, key: identity.signer.publicKey }
  return ({ claim }) => {
    const { agent, agentKey } = claim?.right ?? { agent: null, agentKey: null }
    if (claim === undefined || agent === null || agentKey === null) return true
    const { right, proof } = claim
    const context = { anchors: trust.anchors, now: clock.now() }
    try {
      const material = proofs.materialOf(proofs.current(proof))
      checkMember({ ...right, agent, agentKey, answer: null }, node, { ...context, material })
      return true
    } catch (cause) {
      if (cause instanceof TrustError) return false
      throw cause
    }
  }
}

function showAgain(topic: Name, { topics, neighbours }: Opening): void {
  const shown = topics.shown.get(topic)
  if (shown !== undefined) neighbours.opened(shown)
}

async function unsubscribe(topic: Name, transport: Transport): Promise<void> {
  try {
    await transport.unsubscribe(topic)
  } catch (cause) {
    // A transport that has ended has left every topic; agents must be able to close after it.
    if (!(cause instanceof TransportError) || cause.code !== 'closed') throw cause
  }
}
