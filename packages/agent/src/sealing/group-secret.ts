import type { Name } from '@ixj/names'
import {
  encode,
  idOf,
  readArray,
  readBytes,
  readList,
  readOptional,
  readTime,
  toHex,
  TrustError,
  type ApplicationValue,
  type Sha256,
  type Value,
} from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import { GROUP_SECRET_BYTES, SECRET_LIFETIME_MS, SECRET_RECEIVERS_MAX } from './limits.ts'
import { SEALED_BYTES } from './sealer.ts'

/** What a group's secret is called by: who gave it, and when. */
export interface SecretTerms {
  readonly topic: Name
  readonly giver: Name
  readonly giverKey: Uint8Array
  /** Rises with each secret of a group; ms since the Unix epoch, or more. */
  readonly epoch: number
  /** Nobody seals with it afterwards. */
  readonly notAfter: number
}

/** A secret that the members of a group share. */
export interface GroupSecret extends SecretTerms {
  /** 32 bytes. */
  readonly secret: Uint8Array
  /** 32 bytes: headers name it by this, and it is of no other secret. */
  readonly id: Uint8Array
  readonly idText: string
}

/** One secret as it is given: to each member's encryption key. */
export interface GivenSecret {
  readonly epoch: number
  readonly notAfter: number
  /** Id of the giver's `invite` grant; null: it owns the group. */
  readonly invite: Uint8Array | null
  readonly receivers: readonly Receiver[]
}

/** A secret for one member. */
export interface Receiver {
  /** SHA-256 of its encryption key, 32 bytes. */
  readonly recipient: Uint8Array
  readonly sealed: Uint8Array
}

/** A secret with its id: "over the terms and the secret, so that no two secrets share one". */
export function groupSecretOf(terms: SecretTerms, secret: Uint8Array, hash: Sha256): GroupSecret {
  const id = idOf('group-secret', encode([...termFields(terms), secret]), hash)
  return { ...terms, secret, id, idText: toHex(id) }
}

/** What a secret is tied to while it is sealed to one member: its terms, and nothing else opens it. */
export function givingInfo(terms: SecretTerms): Uint8Array {
  return encode(['ixj/1/group-secret', ...termFields(terms)])
}

/** What the key of one stream is derived for: no two streams share a key. */
export function groupKeyInfo(
  header: Pick<Header, 'topic' | 'sender' | 'key' | 'epoch' | 'class'>,
): Uint8Array {
  const { topic, sender, key, epoch } = header
  return encode(['ixj/1/group-key', topic, sender, key, epoch, header.class])
}

function termFields({ topic, giver, giverKey, epoch, notAfter }: SecretTerms): readonly Value[] {
  return [topic, giver, giverKey, epoch, notAfter]
}

/** The body of the message that gives a secret. */
export function encodeGiven({ epoch, notAfter, invite, receivers }: GivenSecret): ApplicationValue {
  const fields = receivers.map(({ recipient, sealed }) => [recipient, sealed])
  return [epoch, notAfter, invite, fields]
}

/** Reads it: its form alone. @throws TrustError `form` */
export function readGiven(body: ApplicationValue): GivenSecret {
  const what = 'group secret'
  const fields = readArray(body as Value, what, 4)
  const epoch = readTime(fields[0], `epoch of ${what}`)
  const notAfter = readTime(fields[1], `end of ${what}`)
  if (notAfter <= epoch || notAfter > epoch + SECRET_LIFETIME_MS) {
    const lifetime = `it lasts ${notAfter - epoch} ms, limit ${SECRET_LIFETIME_MS}`
    throw new TrustError('form', `Cannot read ${what}: ${lifetime}`)
  }
  return {
    epoch,
    notAfter,
    invite: readOptional(fields[2], `invite grant of ${what}`, readBytes),
    receivers: readList(fields[3], `receivers of ${what}`, {
      itemsMax: SECRET_RECEIVERS_MAX,
      item: (field, place) => {
        const [recipient, sealed] = readArray(field, place, 2)
        return {
          recipient: readBytes(recipient, `key of ${place}`),
          sealed: readBytes(sealed, `secret of ${place}`, GROUP_SECRET_BYTES + SEALED_BYTES),
        }
      },
    }),
  }
}

/** Which of two secrets of a group counts: the later epoch; of one epoch, the higher key. */
export function compareSecrets(left: SecretTerms, right: SecretTerms): number {
  if (left.epoch !== right.epoch) return left.epoch - right.epoch
  const [one, other] = [toHex(left.giverKey), toHex(right.giverKey)]
  return one < other ? -1 : one > other ? 1 : 0
}
