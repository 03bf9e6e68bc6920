import { anchorKeysAt } from './anchors.ts'
import { equalBytes } from './bytes.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import type { NameContext } from './name-question.ts'
import { type HeldKeys, moveKeys } from './rollover.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

type Certificate = SignedStatement<CrossCertificate>
type KeysContext = Pick<NameContext, 'standpoint' | 'revocations' | 'now'>

/**
 * The keys of a certificate's subject: those that it names, and those that succeeded them by the
 * `next` that it commits to. What does not match the commitment changes nothing.
 * docs/protocol.md, section "Successor".
 */
export function certifiedKeys({ statement }: Certificate, context: KeysContext): HeldKeys {
  const { subject, subjectKeys, next } = statement
  let held: HeldKeys = {
    keys: subjectKeys,
    retiring: [],
    ...(next === null ? {} : { next }),
  }
  // In the order in which they came, each on top of the one before.
  for (const signed of context.standpoint?.successors?.get(subject) ?? []) {
    try {
      held = moveKeys(held, signed, context) ?? held
    } catch (cause) {
      // It was taken in by another certificate of this subject, or is revoked by now.
      if (!(cause instanceof TrustError)) throw cause
    }
  }
  return held
}

/** Whether a certificate's subject has this key now, skew included. */
export function isCertified(certificate: Certificate, key: Uint8Array, context: KeysContext) {
  const { keys, retiring } = certifiedKeys(certificate, context)
  return anchorKeysAt({ keys, retiring }, context.now).some((each) => equalBytes(each, key))
}
