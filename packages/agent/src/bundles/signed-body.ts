import {
  decode,
  encode,
  readArray,
  readBytes,
  readBytesUpTo,
  readName,
  readTime,
  signingInput,
  TrustError,
  type Signer,
  type SignedKind,
  type Value,
  type Verifier,
} from '@ixj/trust'
import type { Name } from '@ixj/names'
import { checkVersion, VERSION } from './version.ts'

/** Who signed, and when: the fields that every signed kind but statements and bundles begins with. */
export interface Signature {
  readonly signer: Name
  readonly signerKey: Uint8Array
  readonly time: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
}

/** A signed body as read; nothing of it is believed before {@link holds}. */
export interface SignedBody extends Signature {
  readonly kind: SignedKind
  readonly body: Uint8Array
  readonly signature: Uint8Array
  /** The kind's own fields. */
  readonly fields: readonly Value[]
}

const COMMON_FIELDS = 6

/** Signs `[1, kind, signer, signerKey, time, nonce, …fields]` and gives `[body, signature]`. */
export async function signBody(
  kind: SignedKind,
  signature: Omit<Signature, 'signerKey'>,
  fields: readonly Value[],
  signer: Signer,
): Promise<readonly [body: Uint8Array, signature: Uint8Array]> {
  const { signer: name, time, nonce } = signature
  const body = encode([VERSION, kind, name, signer.publicKey, time, nonce, ...fields])
  return [body, await signer.sign(signingInput(kind, body))]
}

/**
 * Reads `[body, signature]` of that kind with that many fields of its own.
 * @throws TrustError `encoding`, `form`, `wrong-kind`, `name`, `unsupported`
 */
export function readSignedBody(
  kind: SignedKind,
  pair: readonly Value[],
  options: { readonly fields: number; readonly bytesMax: number },
): SignedBody {
  const what = `${kind} body`
  const body = readBytesUpTo(pair[0], what, options.bytesMax)
  const signature = readBytes(pair[1], `signature of ${kind}`, 64)
  const value = decode(body, { bytesMax: options.bytesMax })
  checkVersion(value, kind)
  const fields = readArray(value, what, COMMON_FIELDS + options.fields)
  if (fields[1] !== kind) {
    throw new TrustError('wrong-kind', `Cannot read ${kind}: the body says another kind`)
  }
  return {
    kind,
    body,
    signature,
    signer: readName(fields[2], `signer of ${kind}`),
    signerKey: readBytes(fields[3], `key of ${kind}`),
    time: readTime(fields[4], `time of ${kind}`),
    nonce: readBytes(fields[5], `nonce of ${kind}`, 16),
    fields: fields.slice(COMMON_FIELDS),
  }
}

/** Whether the signature is by the key that the body names. Whose key that is, a chain must say. */
export async function holds(signed: SignedBody, verifier: Verifier): Promise<boolean> {
  return verifier.verify(signed.signerKey, signingInput(signed.kind, signed.body), signed.signature)
}
