import type { Explanation } from '@ixj/trust'
import { explainRow } from './history/row-explanation.ts'
import { explainOther, explainTrace } from './pipeline/explanation.ts'
import type { Explicable } from './pipeline/grounds.ts'
import { explainMember } from './presence/member-explanation.ts'

/**
 * Why something was decided, accepted, or is there, as a tree that a person can read: of a decision, a
 * message, a register, a member of a group, a question for approval. It is no method of theirs, so that
 * a page that explains nothing does not download how that is done.
 * @throws TrustError where a member of this node has no proof any more
 */
export function explanationOf(subject: Explicable): Explanation {
  const grounds = subject.grounds()
  switch (grounds.of) {
    case 'bundle':
      return explainTrace(grounds.trace, grounds.at, grounds.cause)
    case 'other':
      return explainOther(grounds)
    case 'member':
      return explainMember(grounds)
    case 'history':
      return explainRow(grounds.row)
  }
}
