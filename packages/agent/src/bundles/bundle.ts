import {
  checkPublicKey,
  decode,
  encode,
  equalBytes,
  idOf,
  readArray,
  readBytes,
  readBytesUpTo,
  signingInput,
  strictPrecheck,
  toHex,
  TrustError,
  type Sha256,
  type Signer,
} from '@ixj/trust'
import { HEADER_BYTES_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { MESSAGE_BYTES_MAX } from '../transport.ts'
import { decodeHeader, encodeHeader, type Header } from './header.ts'

/** A bundle as it stands on the wire: `[header, messages, signature, nil]`. */
export interface Bundle {
  readonly header: Header
  readonly headerBytes: Uint8Array
  readonly messagesBytes: Uint8Array
  readonly signature: Uint8Array
  /** 32 bytes over the header: the same for every copy. */
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
}

/**
 * Reads the form of a bundle, key and signature included; whether signature and digest hold is not
 * checked yet.
 * @throws Refusal `size`, `announcement`
 * @throws TrustError `encoding`, `depth`, `form`, `name`, `unsupported`, `bad-key`, `bad-signature`
 */
export function decodeBundle(bytes: Uint8Array, hash: Sha256): Bundle {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw new Refusal(
      'size',
      `Cannot read bundle of ${bytes.length} bytes, limit ${MESSAGE_BYTES_MAX}`,
    )
  }
  const fields = readArray(decode(bytes, { bytesMax: MESSAGE_BYTES_MAX }), 'bundle', 4)
  const headerBytes = readBytesUpTo(fields[0], 'header of bundle', HEADER_BYTES_MAX)
  const header = decodeHeader(headerBytes)
  if (fields[1] === null) {
    throw new Refusal('announcement', 'Cannot accept a header without messages: not over gossip')
  }
  const messagesBytes = readBytesUpTo(fields[1], 'messages of bundle', MESSAGES_BYTES_MAX)
  const signature = readBytes(fields[2], 'signature of bundle', 64)
  if (fields[3] !== null) {
    throw new TrustError('unsupported', 'Cannot read bundle: tree signatures are not built yet')
  }
  checkSignatureForm(header.key, signature)
  const id = idOf('bundle', headerBytes, hash)
  return { header, headerBytes, messagesBytes, signature, id, idText: toHex(id), bytes }
}

// Runtimes disagree on exactly these bytes (pitfall 1), and no chain needs to be known to refuse
// them: whoever passes them on is blamed. No arithmetic on the curve for honest ones.
function checkSignatureForm(key: Uint8Array, signature: Uint8Array): void {
  if (strictPrecheck(key, signature)) return
  checkPublicKey(key)
  throw new TrustError('bad-signature', 'Cannot read bundle: its signature has no strict form')
}

/** Signs a bundle. The header alone is signed; it holds the digest of the messages. */
export async function sealBundle(
  fields: Omit<Header, 'digest' | 'key'>,
  messagesBytes: Uint8Array,
  options: { readonly signer: Signer; readonly hash: Sha256 },
): Promise<Bundle> {
  const { signer, hash } = options
  const digest = hash(messagesBytes)
  const header: Header = { ...fields, key: signer.publicKey, digest }
  const headerBytes = encodeHeader(header)
  const signature = await signer.sign(signingInput('bundle', headerBytes))
  const bytes = encode([headerBytes, messagesBytes, signature, null], {
    bytesMax: MESSAGE_BYTES_MAX,
  })
  const id = idOf('bundle', headerBytes, hash)
  return { header, headerBytes, messagesBytes, signature, id, idText: toHex(id), bytes }
}

/** Whether the messages are those that the header was signed with: their SHA-256 is in it. */
export function hasDigest(bundle: Bundle, hash: Sha256): boolean {
  return equalBytes(hash(bundle.messagesBytes), bundle.header.digest)
}
