import {
  decode,
  encode,
  fromHex,
  isMac,
  macOf,
  type Random,
  readArray,
  readBytes,
  readBytesUpTo,
  readOptional,
  type Sha256,
  type Signer,
  TrustError,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { readSignedBody, signBody, type SignedBody } from '../bundles/signed-body.ts'
import { type Invitation, invitationIdOf } from './invitation.ts'
import { CLAIM_BYTES_MAX } from './limits.ts'

/** What who is invited asks for: a name for a key. */
export interface Claim {
  /** By the key that it is for: it is there, and nobody else's. */
  readonly signed: SignedBody
  /** 16 bytes. */
  readonly id: Uint8Array
  /** X25519, 32 bytes, for what is sealed to the name. */
  readonly encryptionKey: Uint8Array | null
  /** Whether it was made with the secret. */
  readonly isGenuine: boolean
}

const OWN_FIELDS = 2
const BODY_BYTES_MAX = CLAIM_BYTES_MAX - 128

/** The bytes of a claim: `[body, signature, code]`. Sent again as they are, they are one claim. */
export async function makeClaim(
  invitation: Invitation,
  key: { readonly signer: Signer; readonly encryptionKey: Uint8Array | null },
  context: { readonly clock: Clock; readonly random: Random },
): Promise<Uint8Array> {
  const { secret, name } = invitation
  const [body, signature] = await signBody(
    'invitation',
    { signer: name, time: context.clock.now(), nonce: context.random(16) },
    [fromHex(invitationIdOf(invitation)), key.encryptionKey],
    key.signer,
  )
  return encode([body, signature, macOf(secret, 'invitation-claim', body)])
}

/** SHA-256 of a claim: what an answer says that it answers. */
export function claimDigestOf(claim: Uint8Array, hash: Sha256): Uint8Array {
  return hash(claim)
}

/**
 * Reads a claim. Its code is checked, its signature is not.
 * @throws TrustError `too-large`, `encoding`, `form`, `wrong-kind`, `name`, `unsupported`
 */
export function readClaim(bytes: Uint8Array, { secret }: Invitation): Claim {
  if (bytes.length > CLAIM_BYTES_MAX) {
    const size = `${bytes.length} bytes, limit ${CLAIM_BYTES_MAX}`
    throw new TrustError('too-large', `Cannot read claim: ${size}`)
  }
  const parts = readArray(decode(bytes, { bytesMax: CLAIM_BYTES_MAX }), 'claim', 3)
  const signed = readSignedBody('invitation', parts.slice(0, 2), {
    fields: OWN_FIELDS,
    bytesMax: BODY_BYTES_MAX,
  })
  const code = readBytesUpTo(parts[2], 'code of claim', 32)
  const { fields } = signed
  return {
    signed,
    id: readBytes(fields[0], 'invitation of claim', 16),
    encryptionKey: readOptional(fields[1], 'encryption key of claim', readBytes),
    isGenuine: isMac(code, { secret, purpose: 'invitation-claim', bytes: signed.body }),
  }
}
