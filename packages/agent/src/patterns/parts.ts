import type { Grant, SignedStatement } from '@ixj/trust'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'

/** What everything of one agent shares. */
export interface MemberParts {
  readonly core: Core
  readonly identity: Identity
  /** The agent's `host` grant to its node; null: the agent is the node itself. */
  readonly hostGrant: SignedStatement<Grant> | null
}
