import {
  checkPublicKey,
  decodeShared,
  encode,
  equalBytes,
  idOf,
  readArray,
  readBytes,
  readBytesUpTo,
  readTree,
  signingInput,
  signTree,
  strictPrecheck,
  toHex,
  TREE_ITEMS_MAX,
  TrustError,
  type Sha256,
  type Signer,
  type Tree,
  type Value,
  type VerifiedTrees,
  type Verifier,
} from '@ixj/trust'
import { HEADER_BYTES_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { MESSAGE_BYTES_MAX } from '../transport.ts'
import { decodeHeader, encodeHeader, type Header } from './header.ts'

/** A bundle as it stands on the wire: `[header, messages, signature, nil | [index, count, siblings]]`. */
export interface Bundle {
  readonly header: Header
  readonly headerBytes: Uint8Array
  readonly messagesBytes: Uint8Array
  readonly signature: Uint8Array
  /** What the signature covers in place of the header, where it is over several bundles. */
  readonly tree: Tree | null
  /** 32 bytes over the header: the same for every copy. */
  readonly id: Uint8Array
  readonly idText: string
  readonly bytes: Uint8Array
}

/**
 * Reads the form of a bundle, whose parts share the memory of `bytes`, which nobody may write again;
 * key and signature included; whether signature and digest hold is not
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
  const fields = readArray(decodeShared(bytes, { bytesMax: MESSAGE_BYTES_MAX }), 'bundle', 4)
  const headerBytes = readBytesUpTo(fields[0], 'header of bundle', HEADER_BYTES_MAX)
  const header = decodeHeader(headerBytes)
  if (fields[1] === null) {
    throw new Refusal('announcement', 'Cannot accept a header without messages: not over gossip')
  }
  const messagesBytes = readBytesUpTo(fields[1], 'messages of bundle', MESSAGES_BYTES_MAX)
  const signature = readBytes(fields[2], 'signature of bundle', 64)
  const id = idOf('bundle', headerBytes, hash)
  const tree = readTree(fields[3], { what: 'bundle', id }, hash)
  checkSignatureForm(header.key, signature)
  return { header, headerBytes, messagesBytes, signature, tree, id, idText: toHex(id), bytes }
}

// Runtimes disagree on exactly these bytes (pitfall 1), and no chain needs to be known to refuse
// them: whoever passes them on is blamed. No arithmetic on the curve for honest ones.
function checkSignatureForm(key: Uint8Array, signature: Uint8Array): void {
  if (strictPrecheck(key, signature)) return
  checkPublicKey(key)
  throw new TrustError('bad-signature', 'Cannot read bundle: its signature has no strict form')
}

/** What is to be signed of a bundle; the signer's key is put in. */
export type BundleFields = Omit<Header, 'digest' | 'key'>

/** A bundle before its signature. */
export type UnsignedBundle = Omit<Bundle, 'signature' | 'tree' | 'bytes'>

interface Signing {
  readonly signer: Signer
  readonly hash: Sha256
}

/** Makes what is to be signed. @throws TrustError `too-large` */
export function prepareBundle(
  fields: BundleFields,
  messagesBytes: Uint8Array,
  { key, hash }: { readonly key: Uint8Array; readonly hash: Sha256 },
): UnsignedBundle {
  const header: Header = { ...fields, key, digest: hash(messagesBytes) }
  const headerBytes = encodeHeader(header)
  const id = idOf('bundle', headerBytes, hash)
  return { header, headerBytes, messagesBytes, id, idText: toHex(id) }
}

/** Signs a bundle. The header alone is signed; it holds the digest of the messages. */
export async function sealBundle(
  fields: BundleFields,
  messagesBytes: Uint8Array,
  signing: Signing,
): Promise<Bundle> {
  const { signer, hash } = signing
  const unsigned = prepareBundle(fields, messagesBytes, { key: signer.publicKey, hash })
  return await signBundle(unsigned, signing)
}

/**
 * Signs bundles of one key, up to 256 by one signature: of several topics, of several agents of a
 * pool, or of several names for which a node speaks. They come back in their order.
 */
export async function signBundles(
  unsigned: readonly UnsignedBundle[],
  signing: Signing,
): Promise<readonly Bundle[]> {
  const sealed: Bundle[] = []
  for (let from = 0; from < unsigned.length; from += TREE_ITEMS_MAX) {
    const some = unsigned.slice(from, from + TREE_ITEMS_MAX)
    const [only] = some
    if (only !== undefined && some.length === 1) {
      sealed.push(await signBundle(only, signing))
      continue
    }
    const ids = some.map(({ id }) => id)
    const { tree, signature, places } = await signTree('bundle-tree', ids, signing)
    for (const [index, each] of some.entries()) {
      sealed.push(withSignature(each, { signature, tree, place: places[index]! }))
    }
  }
  return sealed
}

async function signBundle(unsigned: UnsignedBundle, { signer }: Signing): Promise<Bundle> {
  const signature = await signer.sign(signingInput('bundle', unsigned.headerBytes))
  return withSignature(unsigned, { signature, tree: null, place: null })
}

function withSignature(
  unsigned: UnsignedBundle,
  signed: { readonly signature: Uint8Array; readonly tree: Tree | null; readonly place: Value },
): Bundle {
  const { signature, tree, place } = signed
  const { headerBytes, messagesBytes } = unsigned
  const bytes = encode([headerBytes, messagesBytes, signature, place], {
    bytesMax: MESSAGE_BYTES_MAX,
  })
  return { ...unsigned, signature, tree, bytes }
}

/**
 * Whether the signature over the header, or over the tree that it is in, holds for the header's key.
 * One over several is checked once for all of them. Never throws.
 */
export function holdsSignature(
  { header, headerBytes, signature, tree }: Bundle,
  { verifier, trees }: { readonly verifier: Verifier; readonly trees: VerifiedTrees },
): boolean | Promise<boolean> {
  const { key } = header
  if (tree !== null) return trees.holds({ key, tree, signature }, verifier)
  return verifier.verify(key, signingInput('bundle', headerBytes), signature)
}

/** Whether the messages are those that the header was signed with: their SHA-256 is in it. */
export function hasDigest(bundle: Bundle, hash: Sha256): boolean {
  return equalBytes(hash(bundle.messagesBytes), bundle.header.digest)
}
