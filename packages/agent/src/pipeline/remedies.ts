import { TRUST_REMEDIES } from '@ixj/trust'
import type { Code } from './verdicts.ts'

/**
 * What would have to change for a refusal not to come, for people; null where nothing but other
 * bytes, or another sender, would help.
 */
export const REMEDIES: Readonly<Record<Code, string | null>> = {
  ...TRUST_REMEDIES,
  size: 'send less, or in parts',
  'wrong-topic': null,
  'bad-digest': null,
  announcement: null,
  'not-hosted': 'an agent that is open on this node and takes it',
  lifespan: 'a longer lifespan, or the right time on one of the two clocks',
  future: 'the right time on one of the two clocks',
  duplicate: null,
  'out-of-window': 'sending it anew, in a stream that is open',
  superseded: null,
  equivocation: 'a new key for the sender: this one signed two bundles for one place',
  equivocator: 'a new key for the sender: this one signed two bundles for one place',
  'table-full': 'patience: entries end by themselves',
  'proof-missing': 'a neighbour that has the proof, or the sender sending it again',
  'parking-full': 'patience: what waits for proofs has to be decided first',
  rate: 'fewer strangers in a second, or a grant for the sender',
  overloaded: 'less traffic, or a higher class or priority for what matters',
  'not-asked': 'an answer to a request that still waits, by the one who was asked',
  'wrong-approval': 'an approval of this very message, by one who may approve it',
  'approval-used': 'new approvals: each lets one bundle pass',
  policy: 'a rule of this node that permits it: its policy is its own',
  sealed: 'sealing to the key that the name has now, or none',
  'secret-missing': 'the group’s secret: its owner, or who holds invite, gives it to members',
  body: null,
  hello: 'the node itself at the other end: its hello is for this connection alone',
  transport: 'a connection that holds',
  'log-unwritable': 'room or repair for the disk of this node; its log then goes on by itself',
  'own-fault': 'mending this node: the fault is its own, and stands in the message',
}
