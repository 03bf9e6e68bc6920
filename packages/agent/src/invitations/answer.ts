import {
  AnchorSet,
  checkName,
  checkPublicKey,
  decode,
  decodeStatement,
  encode,
  equalBytes,
  isBinding,
  isMac,
  macOf,
  PURPOSES,
  readArray,
  readBytes,
  readBytesUpTo,
  readList,
  readOptional,
  readText,
  type Sha256,
  type SignedStatement,
  STATEMENT_BYTES_MAX,
  TrustError,
  type Verifier,
  verifySignature,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { claimDigestOf } from './claim.ts'
import type { Invitation } from './invitation.ts'
import {
  type InvitationCode,
  InvitationError,
  invitationReason,
  isInvitationCode,
} from './invitation-error.ts'
import { ANSWER_BYTES_MAX, ANSWER_STATEMENTS_MAX } from './limits.ts'

/** The key of an invitation's root as it is when a claim is answered: it may have been rolled over. */
export interface RootKey {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** SHA-256 of the key to come, 32 bytes; null: none is committed to. */
  readonly next: Uint8Array | null
}

/** What an inviter states of a name that was claimed, and where trust in it begins. */
export interface Stated {
  readonly root: RootKey
  readonly statements: readonly SignedStatement[]
}

/** What an inviter says to a claim: what it states of the name, or why it states nothing. */
export type Verdict = Stated | { readonly refused: InvitationCode }

const BODY_BYTES_MAX = ANSWER_BYTES_MAX - 64

/**
 * The bytes of an answer: `[body, code]`, the body `[1, digest of the claim, refusal, statements, root
 * key, next]`.
 * @throws TrustError `too-large` for more statements than one message holds
 */
export function makeAnswer(
  { secret }: Invitation,
  claimDigest: Uint8Array,
  verdict: Verdict,
): Uint8Array {
  const refused = 'refused' in verdict ? verdict.refused : null
  const statements = 'statements' in verdict ? verdict.statements : []
  const envelopes = statements.map(({ envelope }) => envelope)
  const { key = null, next = null } = 'root' in verdict ? verdict.root : {}
  const fields = [VERSION, claimDigest, refused, envelopes, key, next]
  const body = encode(fields, { bytesMax: BODY_BYTES_MAX })
  return encode([body, macOf(secret, 'invitation-answer', body)])
}

/**
 * What an answer states about the name and key of a claim, once it has been found to come from the
 * inviter, to answer this claim, and to lead from the root that it tells to the key. Whoever made the
 * link tells both roots, so a page that trusts that name already holds the one of the answer, too,
 * against what it has.
 * @throws InvitationError; TrustError for bytes that are no answer
 */
export async function readAnswer(
  bytes: Uint8Array,
  asked: {
    readonly invitation: Invitation
    readonly claim: Uint8Array
    /** 32 bytes: the key of the claim. */
    readonly key: Uint8Array
  },
  context: { readonly verifier: Verifier; readonly hash: Sha256; readonly now: number },
): Promise<Stated> {
  const { invitation, claim, key } = asked
  const { name, secret } = invitation
  const refuse = (code: InvitationCode, cause?: unknown) =>
    new InvitationError(code, `Cannot become ${name}: ${invitationReason(code)}`, { cause })
  const parts = readArray(decode(bytes, { bytesMax: ANSWER_BYTES_MAX }), 'answer', 2)
  const body = readBytesUpTo(parts[0], 'body of answer', BODY_BYTES_MAX)
  const code = readBytesUpTo(parts[1], 'code of answer', 32)
  // Before anything else of it is looked at: a relay could say whatever it likes.
  if (!isMac(code, { secret, purpose: 'invitation-answer', bytes: body })) {
    throw refuse('forged-answer')
  }
  const value = decode(body, { bytesMax: BODY_BYTES_MAX })
  checkVersion(value, 'answer')
  const fields = readArray(value, 'answer', 6)
  const digest = readBytes(fields[1], 'claim of answer')
  if (!equalBytes(digest, claimDigestOf(claim, context.hash))) throw refuse('other-claim')
  const refused = readOptional(fields[2], 'refusal of answer', (field, what) =>
    readText(field, what, 64),
  )
  if (refused !== null) throw refuse(isInvitationCode(refused) ? refused : 'not-issued')
  const statements = readList(fields[3], 'statements of answer', {
    itemsMax: ANSWER_STATEMENTS_MAX,
    item: (field, what) =>
      decodeStatement(readBytesUpTo(field, what, STATEMENT_BYTES_MAX), context.hash),
  })
  const root = {
    key: readBytes(fields[4], 'root key of answer'),
    next: readOptional(fields[5], 'next of answer', readBytes),
  }
  try {
    checkPublicKey(root.key)
    await checkChain(statements, { invitation, root, key, ...context })
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw refuse('unproven', cause)
  }
  return { root, statements }
}

/** @throws TrustError as checkName, `bad-signature` */
async function checkChain(
  statements: readonly SignedStatement[],
  {
    invitation,
    root,
    key,
    verifier,
    now,
  }: {
    readonly invitation: Invitation
    readonly root: RootKey
    readonly key: Uint8Array
    readonly verifier: Verifier
    readonly now: number
  },
): Promise<void> {
  const { name } = invitation
  const anchor = { name: invitation.root.name, keys: [root.key], purposes: PURPOSES }
  const anchors = new AnchorSet([anchor])
  const bindings = statements.filter(isBinding)
  checkName({ name, key, use: 'sign', purpose: 'send' }, { bindings, anchors, now })
  for (const signed of statements) {
    if (await verifySignature(signed, verifier)) continue
    throw new TrustError(
      'bad-signature',
      `Cannot use statement ${signed.idText}: it is not signed so`,
    )
  }
}
