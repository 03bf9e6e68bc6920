import type { TrustCode } from './trust-error.ts'

/**
 * What would have to change for a refusal not to come, for people; null where nothing but other
 * bytes would help.
 */
export const TRUST_REMEDIES: Readonly<Record<TrustCode, string | null>> = {
  encoding: null,
  'too-large': 'send less, or in parts',
  depth: null,
  form: null,
  unsupported: 'a later version of ixj here, or an earlier one there',
  name: 'a name in canonical form',
  'bad-key': 'a new key for that name',
  'bad-signature': null,
  'wrong-kind': null,
  expired: 'a new statement by the same issuer, or the right time on one of the two clocks',
  'not-yet-valid': 'the right time on one of the two clocks, or patience',
  revoked: 'a new key or statement from its issuer; what was revoked stays void',
  stale: 'a connection to the issuer, or to a neighbour that has heard of it lately',
  'no-status': 'a node of the issuer that publishes its status, or another setting of its anchor',
  superseded: null,
  'no-anchor': 'an anchor of yours at or above it: ixj trust anchor add',
  'anchor-limits': 'a wider anchor of yours, if you mean it: names or purposes',
  'cross-limits': 'a wider cross-certificate by its issuer, if it means it: ixj trust cross',
  'no-chain': 'the missing binding from its issuer, or another key in your anchor',
  'broken-chain': 'a grant issued by the holder of its parent',
  'not-below': null,
  uses: 'a binding whose uses allow it',
  'depth-exceeded': 'a binding above with a larger depth',
  'cost-cap': 'a proof with fewer statements, a chain with fewer links',
  'wider-than-parent': 'a narrower grant, or a wider one above it',
  'outside-slice': 'a grant by the owner of those names',
  'wrong-subject': 'a grant for this name and its present key',
  'not-granted': 'a grant for this action on this topic',
  condition: 'a message that keeps the condition, or a grant without it',
  unapproved: 'approvals of this very message by those who are missing',
  'unknown-condition': 'a later version of ixj here',
  'missing-statement': 'the statement itself: its holder sends it when asked',
  'store-full': 'patience: neighbours that leave make room',
  'ambiguous-authority': 'naming the grant to act under',
  'key-file': 'a key file that exists and that only its owner can read',
}
