import {
  applySuccessor,
  certifiedKeys,
  moveKeys,
  TrustError,
  type AnchorSet,
  type Sha256,
  type SignedStatement,
  type Standpoint,
  type Successor,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { TrustState } from './trust-state.ts'

/** What a successor is held against in a node. */
export interface MoveContext {
  readonly clock: Clock
  readonly hash: Sha256
  readonly trust: TrustState
  /** What this node has at home, by which cross-certificates count. */
  standpoint(): Standpoint
}

/**
 * The anchors after a successor; `certified` where no anchor decides about its name, and a
 * cross-certificate of this node's home commits to the key. Undefined: the key is there already.
 * @throws TrustError as applySuccessor
 */
export function moveBySuccessor(
  told: SignedStatement<Successor>,
  { trust, clock, hash, ...node }: MoveContext,
): AnchorSet | 'certified' | undefined {
  const { anchors, revocations } = trust
  const { name } = told.statement
  const context = { anchors, revocations, now: clock.now(), hash }
  const standpoint = node.standpoint()
  const certificates = standpoint.crossCertificates.get(name) ?? []
  if (anchors.for(name) !== undefined || certificates.length === 0) {
    return applySuccessor(told, context)
  }
  let failure: TrustError | undefined
  for (const certificate of certificates) {
    try {
      const held = certifiedKeys(certificate, { ...context, standpoint })
      if (moveKeys(held, told, context) !== undefined) return 'certified'
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      failure = cause
    }
  }
  if (failure !== undefined) throw failure
  return undefined
}
