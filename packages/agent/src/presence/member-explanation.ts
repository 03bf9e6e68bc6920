import {
  describeAuthority,
  describeKey,
  describeNameChain,
  NOT_REACHED,
  type Answer,
  type Explanation,
} from '@ixj/trust'
import type { Grounds } from '../pipeline/grounds.ts'

/** By which statements a member is in a group, as a tree that a person can read. */
export function explainMember({
  topic,
  node,
  right: { chain, subscribe },
  at: now,
}: Extract<Grounds, { readonly of: 'member' }>): Explanation {
  const authority = subscribe === null ? ['owner of the topic'] : describeAuthority(subscribe, now)
  return {
    outcome: 'accepted',
    code: null,
    message: null,
    remedy: null,
    action: 'subscribe',
    topic,
    sender: chain.name,
    onBehalfOf: subscribe?.onBehalfOf ?? chain.name,
    name: yes(describeNameChain(chain, now)),
    key: yes(describeKey(chain)),
    authority: yes(authority),
    // Who is in a group is no matter of a receiver's policy; what a member sends is.
    policy: NOT_REACHED,
    notes: [`it is on ${node}, which it lets host it`],
  }
}

function yes(lines: readonly string[]): Answer {
  return { state: 'yes', lines }
}
