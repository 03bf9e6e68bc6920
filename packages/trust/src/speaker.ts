import { isAtOrBelow, isReservedPool, type Name } from '@ixj/names'
import { findAnchor } from './anchor-chain.ts'
import { type AuthorityContext, checkAuthority } from './authority.ts'
import { equalBytes } from './bytes.ts'
import { findLimit } from './cross-chain.ts'
import { findCrossPaths } from './cross-path.ts'
import type { Grant } from './grant.ts'
import { SPEAK_GRANTS_MAX } from './limits.ts'
import { checkName } from './name-chain.ts'
import type { NameChain, NameQuestion } from './name-question.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

/** Who is said to have signed a message, with which key. */
export type SenderQuestion = Pick<NameQuestion, 'name' | 'key' | 'purpose'>

/**
 * Checks who sent something: as {@link checkName} with use `sign`, or else that the key is of a name
 * to which this one granted `speak`. For messages alone: nobody approves, binds or grants in another
 * name. docs/protocol.md, section "Speaking for a name". At most {@link SPEAK_GRANTS_MAX} grants are
 * tried; no cryptography.
 * @throws TrustError as {@link checkName}, and {@link checkAuthority} where there is a `speak` grant
 */
export function checkSender(question: SenderQuestion, context: AuthorityContext): NameChain {
  try {
    return checkName({ ...question, use: 'sign' }, context)
  } catch (cause) {
    // "Nothing else is bound under the label pool": nor spoken for.
    if (!(cause instanceof TrustError) || isReservedPool(question.name)) throw cause
    const grants = context.grants.filter(({ statement }) => mayBeFor(statement, question))
    if (grants.length === 0) throw cause
    return spoken(question, context, grants.slice(0, SPEAK_GRANTS_MAX))
  }
}

/** The grant as it stands lets one exact name, with this key or any, speak for the sender. */
function mayBeFor({ actions, topics, subject, subjectKey }: Grant, question: SenderQuestion) {
  return (
    actions.includes('speak') &&
    topics.some((topic) => (topic as string) === question.name) &&
    // "Exact names only": a pattern would hand the name over to names yet to be born.
    !subject.startsWith('*') &&
    (subjectKey === null || equalBytes(subjectKey, question.key))
  )
}

function spoken(
  question: SenderQuestion,
  context: AuthorityContext,
  grants: readonly SignedStatement<Grant>[],
): NameChain {
  let failure: TrustError | undefined
  for (const leaf of grants) {
    try {
      return spokenUnder(leaf, question, context)
    } catch (cause) {
      // Of several grants one may have ended, or be another node's.
      if (!(cause instanceof TrustError)) throw cause
      failure ??= cause
    }
  }
  throw failure!
}

function spokenUnder(
  leaf: SignedStatement<Grant>,
  question: SenderQuestion,
  context: AuthorityContext,
): NameChain {
  const { name, key, purpose } = question
  const subject = leaf.statement.subject as string as Name
  const chain = checkName({ name: subject, key, use: 'sign', purpose }, context)
  const authority = checkAuthority(
    // It gives away its issuer's own name and nothing of anybody else's, as `host` does.
    { leaf: leaf.id, subject, subjectKey: key, action: 'speak', topic: name, purpose },
    context,
  )
  const root = authority.issuers[0]!
  checkReach(root, question, context)
  return {
    ...root,
    name,
    key: Uint8Array.from(key),
    links: [],
    published: null,
    speaker: { chain, authority },
    notBefore: Math.max(chain.notBefore, authority.notBefore),
    notAfter: Math.min(chain.notAfter, authority.notAfter),
  }
}

/** Who may let others speak for a name is who may speak for it: what its own root says counts. */
function checkReach(root: NameChain, question: SenderQuestion, context: AuthorityContext): void {
  const { name, purpose } = question
  const { anchors } = context
  const tried = `Cannot let "${name}" be spoken for by the word of "${root.name}"`
  if (!isAtOrBelow(name, root.name)) throw new TrustError('outside-slice', tried)
  if (root.crossCertificates.length === 0) {
    if (findAnchor({ name, purpose }, anchors).name === root.anchor.name) return
    throw new TrustError('anchor-limits', `${tried}: another anchor decides about it`)
  }
  const certificates = root.crossCertificates
  const limit = findLimit({ certificates }, { name, purpose })
  if (limit !== undefined) throw new TrustError('cross-limits', `${tried}: ${limit}`)
  const [path] = findCrossPaths({ ...question, use: 'sign' }, context).paths
  const decides = anchors.for(name) ?? path?.certificates.at(-1)?.statement.subject
  if (decides === root.organisation) return
  throw new TrustError('cross-limits', `${tried}: another root decides about it`)
}
