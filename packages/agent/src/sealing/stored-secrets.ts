import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readList,
  readName,
  readOptional,
  readTime,
  type Field,
  type Sha256,
} from '@ixj/trust'
import { groupSecretOf, type GroupSecret } from './group-secret.ts'
import { GROUP_SECRET_BYTES, SECRETS_STORED_MAX } from './limits.ts'

/** A secret, and since when a newer one is known; Infinity: none is. */
export interface StoredSecret {
  readonly secret: GroupSecret
  readonly supersededAt: number
}

/** Three names' worth for each. */
const BYTES_MAX = SECRETS_STORED_MAX * 512

/** Secrets of one group as they are kept in a node's store. */
export function encodeSecrets(secrets: readonly StoredSecret[]): Uint8Array {
  const fields = secrets.map(({ secret, supersededAt }) => [
    secret.giver,
    secret.giverKey,
    secret.epoch,
    secret.notAfter,
    secret.secret,
    supersededAt === Infinity ? null : supersededAt,
  ])
  return encode(fields, { bytesMax: BYTES_MAX })
}

/** Reads them. @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed */
export function decodeSecrets(
  bytes: Uint8Array,
  topic: Name,
  hash: Sha256,
): readonly StoredSecret[] {
  const value = decode(bytes, { bytesMax: BYTES_MAX })
  return readList(value, `secrets of ${topic}`, {
    itemsMax: SECRETS_STORED_MAX,
    item: (field, what) => readSecret(field, { what, topic, hash }),
  })
}

function readSecret(
  field: Field,
  { what, topic, hash }: { readonly what: string; readonly topic: Name; readonly hash: Sha256 },
): StoredSecret {
  const fields = readArray(field, what, 6)
  const terms = {
    topic,
    giver: readName(fields[0], `giver of ${what}`),
    giverKey: readBytes(fields[1], `key of ${what}`),
    epoch: readTime(fields[2], `epoch of ${what}`),
    notAfter: readTime(fields[3], `end of ${what}`),
  }
  const secret = readBytes(fields[4], what, GROUP_SECRET_BYTES)
  const supersededAt = readOptional(fields[5], `time of ${what}`, readTime) ?? Infinity
  return { secret: groupSecretOf(terms, secret, hash), supersededAt }
}
