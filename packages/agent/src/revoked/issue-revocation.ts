import type { Name } from '@ixj/names'
import {
  checkAuthority,
  isBinding,
  isGrant,
  issueStatement,
  TrustError,
  type AnchorSet,
  type Grant,
  type PublishedKey,
  type Revocation,
  type RevocationTarget,
  type SignedStatement,
} from '@ixj/trust'
import { grantsOf, provingStatements, type Identity } from '../host/identity.ts'
import type { IssueContext } from '../patterns/grant-issue.ts'
import { makeNotice, type Notice } from './notice.ts'
import type { StatusIssuer } from './status-publisher.ts'

/** How long the revocation of a key counts whose bindings may last for as long: as a binding may. */
export const KEY_REVOCATION_MS = 10 * 365 * 86_400_000

/**
 * Revokes a key or a statement by the right of the issuer itself, or of a name that gave it a
 * `revoke` grant (`under`). `notAfter` is the end of what it voids; default: in ten years.
 * Whether it is by right is checked by whoever takes it in.
 * @throws TrustError `outside-slice`, `too-large`, `cost-cap`, `missing-statement`
 */
export async function issueRevocation(
  issuer: Identity,
  target: RevocationTarget,
  options: IssueContext & {
    readonly under?: SignedStatement<Grant>
    readonly notAfter?: number
  },
): Promise<Notice> {
  const { clock, random, hash, under, notAfter } = options
  const now = clock.now()
  const fields = {
    kind: 'revocation',
    issuer: issuer.name,
    notBefore: now,
    notAfter: Math.max(notAfter ?? now + KEY_REVOCATION_MS, now + 1),
    nonce: random(16),
    of: under === undefined ? issuer.name : rootIssuer(issuer, under),
    target,
  } as const
  const signed: SignedStatement<Revocation> = await issueStatement(fields, issuer.signer, hash)
  return makeNotice(signed, provingStatements(issuer, under === undefined ? [] : [under]))
}

/** The grants by which an identity may revoke, each with the name by whose right. */
export function revokeGrantsOf(
  identity: Identity,
): readonly { readonly of: Name; readonly grant: SignedStatement<Grant> }[] {
  return grantsOf(identity)
    .filter(({ statement }) => statement.actions.includes('revoke'))
    .map((grant) => ({ of: rootIssuer(identity, grant), grant }))
}

/**
 * The names whose statuses an identity signs, as far as its statements lead there: an anchor's own
 * name by its key, and those that gave it `revoke` on themselves.
 */
export function statusIssuersOf(
  identity: Identity,
  trust: {
    readonly anchors: AnchorSet
    readonly now: number
    readonly published?: readonly PublishedKey[]
  },
): readonly StatusIssuer[] {
  const { name, signer } = identity
  const found: StatusIssuer[] = []
  // An anchor's key, and no other, begins chains without a binding.
  const isRoot = trust.anchors.get(name) !== undefined && !identity.statements.some(isBinding)
  if (isRoot) found.push({ name, signer, of: name, proving: [] })
  for (const { of, grant } of revokeGrantsOf(identity)) {
    if (!holds(identity, grant, of, trust)) continue
    found.push({ name, signer, of, proving: provingStatements(identity, [grant]) })
  }
  return found
}

function holds(
  { name, signer, statements }: Identity,
  grant: SignedStatement<Grant>,
  of: Name,
  { anchors, now, published = [] }: Parameters<typeof statusIssuersOf>[1],
): boolean {
  try {
    const purpose = anchors.for(of)?.purposes[0] ?? 'connect'
    checkAuthority(
      {
        leaf: grant.id,
        subject: name,
        subjectKey: signer.publicKey,
        action: 'revoke',
        topic: of,
        purpose,
      },
      {
        grants: statements.filter(isGrant),
        bindings: statements.filter(isBinding),
        published,
        anchors,
        now,
      },
    )
    return true
  } catch (cause) {
    if (cause instanceof TrustError) return false
    throw cause
  }
}

/** Who issued the first grant of a chain. @throws TrustError `missing-statement` */
function rootIssuer(identity: Identity, leaf: SignedStatement<Grant>): Name {
  const root = provingStatements(identity, [leaf]).find(isGrant)
  if (root === undefined) throw new Error('A grant is not in its own proof')
  return root.statement.issuer
}
