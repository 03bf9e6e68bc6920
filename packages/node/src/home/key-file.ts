import type { Name } from '@ixj/names'
import {
  equalBytes,
  fromBase64url,
  SEED_BYTES,
  type Signer,
  toBase64url,
  TrustError,
} from '@ixj/trust'
import { nodeSigner } from '../node-keys.ts'
import { HomeError } from './home-error.ts'
import { checkFolder, createFile, OTHERS_MAY_READ, readBounded } from './file.ts'
import { formatFile, malformed, parseFile, readString } from './json-text.ts'
import { KEY_FILE_BYTES_MAX } from './limits.ts'

/**
 * What a key is for: a name's key signs for it, a peer key only carries its node's connections, a
 * log key signs the checkpoints of its node's audit log.
 */
export type KeyPurpose = 'name' | 'peer' | 'log'

const VERSION = 1

/** One key file, and the folder that it lies in. */
export interface KeyPlace {
  readonly path: string
  readonly folder: string
  readonly name: Name
  readonly purpose: KeyPurpose
}

/**
 * Writes a new key file, mode 0600: JSON with `version` 1, `purpose` (`name`, `peer` or `log`), `name`,
 * `publicKey` and `seed` (32 bytes each, base64url).
 * @throws HomeError `exists`, `file`; TrustError `bad-key` for a seed of another length, `key-file`
 * if others may enter the folder
 */
export async function writeKeyFile(place: KeyPlace, seed: Uint8Array): Promise<Signer> {
  const { path, folder, name, purpose } = place
  const signer = nodeSigner(seed)
  await keyFileErrors(() => checkFolder(folder, OTHERS_MAY_READ))
  const publicKey = toBase64url(signer.publicKey)
  const text = formatFile({ version: VERSION, purpose, name, publicKey, seed: toBase64url(seed) })
  await createFile(path, text)
  return signer
}

/**
 * Reads the seed of a key file, 32 bytes; undefined if there is no file.
 * @throws TrustError `key-file`: others may read it (with the command that cures it) or enter its
 * folder, it is cut off or malformed, it is another name's, its two keys do not belong together
 */
export async function readKeyFile(place: KeyPlace): Promise<Uint8Array | undefined> {
  const { path, folder } = place
  return await keyFileErrors(async () => {
    const bytes = await readBounded(path, {
      bytesMax: KEY_FILE_BYTES_MAX,
      forbidden: OTHERS_MAY_READ,
    })
    if (bytes === undefined) return undefined
    await checkFolder(folder, OTHERS_MAY_READ)
    return parseKeyFile(bytes, place)
  })
}

function parseKeyFile(bytes: Uint8Array, { path, name, purpose }: KeyPlace): Uint8Array {
  const members = ['purpose', 'name', 'publicKey', 'seed']
  const file = parseFile(bytes, path, { version: VERSION, members })
  if (file['purpose'] !== purpose) throw malformed(path, `it is no key of purpose "${purpose}"`)
  const written = readString(file['name'], `name in ${path}`)
  if (written !== name) {
    throw malformed(
      path,
      `it is the key of ${JSON.stringify(written.slice(0, 80))}, not of "${name}"`,
    )
  }
  const seed = readKey(file['seed'], `seed in ${path}`)
  const publicKey = readKey(file['publicKey'], `publicKey in ${path}`)
  // A flipped bit in a seed gives another good key, which nobody has bound.
  if (!equalBytes(nodeSigner(seed).publicKey, publicKey)) {
    throw malformed(path, 'its seed does not belong to its publicKey')
  }
  return seed
}

function readKey(value: Parameters<typeof readString>[0], what: string): Uint8Array {
  const text = readString(value, what)
  let bytes: Uint8Array
  try {
    bytes = fromBase64url(text)
  } catch (cause) {
    // The cause would show a character of the secret.
    if (cause instanceof TrustError) throw malformed(what, 'it is not base64url')
    throw cause
  }
  if (bytes.length === SEED_BYTES) return bytes
  throw malformed(what, `${bytes.length} bytes, must be ${SEED_BYTES}`)
}

/** A key that cannot be used has one code, whatever its file suffers from. */
async function keyFileErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof HomeError) throw new TrustError('key-file', cause.message, { cause })
    throw cause
  }
}
