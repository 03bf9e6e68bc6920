import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readInteger,
  readList,
  readName,
  readOneOf,
  readOptional,
  readSortedSet,
  readTime,
  sortedSet,
  type Field,
  type Random,
  type Signer,
  type Value,
} from '@ixj/trust'
import { readSignedBody, signBody, type SignedBody } from '../bundles/signed-body.ts'
import type { Head } from '../history/topic-index.ts'
import { MESSAGES_BYTES_MAX } from '../limits.ts'
import type { MemberClaim } from '../neighbours/right.ts'
import { MESSAGE_BYTES_MAX } from '../transport.ts'
import type { Echo } from './echoes.ts'
import {
  PRESENCE_ECHO_MS_MAX,
  PRESENCE_ECHOES_MAX,
  PRESENCE_HEADS_MAX,
  PRESENCE_MEMBERS_MAX,
} from './limits.ts'

/** One member that a node hosts, as its presence tells it. */
export interface PresentMember extends Omit<MemberClaim, 'topic'> {
  /** Since when, ms since the Unix epoch by the node's clock. */
  readonly since: number
  /** Id of the proof of all that it claims. */
  readonly proof: Uint8Array
}

/** A node's members of one topic, as read; nothing of it is believed yet. */
export interface Announcement {
  readonly signed: SignedBody
  readonly topic: Name
  /** Id of the proof of the node's own name. */
  readonly proof: Uint8Array
  /** Null: as told before; this one is of the heads alone. */
  readonly members: readonly PresentMember[] | null
  /** How far streams go that the node's members write. */
  readonly heads: readonly Head[]
  /** Announcements of others that the node heard. */
  readonly echoes: readonly Echo[]
}

const OWN_FIELDS = 5
const ECHO_FIELDS = 2
const MEMBER_FIELDS = 7
const HEAD_FIELDS = 4

/** Whether a message on a topic is an announcement: an array of two; a bundle is one of four. */
export function isAnnouncement(bytes: Uint8Array): boolean {
  return bytes[0] === 0x92
}

/** Signs a node's announcement: `[body, signature]`. @throws TrustError `too-large` */
export async function sealAnnouncement(
  fields: {
    readonly node: Name
    readonly topic: Name
    readonly proof: Uint8Array
    readonly members: readonly PresentMember[] | null
    readonly heads: readonly Head[]
    readonly echoes?: readonly Echo[]
  },
  options: { readonly signer: Signer; readonly now: number; readonly random: Random },
): Promise<Uint8Array> {
  const { signer, now, random } = options
  const pair = await signBody(
    'presence',
    { signer: fields.node, time: now, nonce: random(16) },
    [
      fields.topic,
      fields.proof,
      fields.members === null ? null : memberFields(fields.members),
      headFields(fields.heads),
      echoFields(fields.echoes ?? []),
    ],
    signer,
  )
  return encode(pair, { bytesMax: MESSAGE_BYTES_MAX })
}

/** Bytes of these members in an announcement. */
export function membersBytes(members: readonly PresentMember[]): number {
  return encode(memberFields(members), { bytesMax: Infinity }).length
}

/** Sorted by key; a key is a member once. */
function memberFields(members: readonly PresentMember[]): Value {
  return sortedSet(members, (member) => member.agentKey).map((member) => [
    member.agent,
    member.agentKey,
    member.since,
    member.proof,
    member.subscribe,
    member.answer,
    member.host,
  ])
}

function headFields(heads: readonly Head[]): Value {
  return heads.map(({ key, class: kept, epoch, next }) => [key, kept, epoch, next])
}

function echoFields(echoes: readonly Echo[]): Value {
  return echoes.map(({ nonce, heldMs }) => [nonce, heldMs])
}

/** Reads an announcement. @throws TrustError `encoding`, `form`, `name`, `wrong-kind`, `unsupported` */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  const pair = readArray(decode(bytes, { bytesMax: MESSAGE_BYTES_MAX }), 'presence', 2)
  const signed = readSignedBody('presence', pair, {
    fields: OWN_FIELDS,
    bytesMax: MESSAGES_BYTES_MAX,
  })
  return {
    signed,
    topic: readName(signed.fields[0], 'topic of presence'),
    proof: readBytes(signed.fields[1], 'proof of presence'),
    members: readOptional(signed.fields[2], 'members of presence', (field, what) =>
      readSortedSet(field, what, {
        itemsMax: PRESENCE_MEMBERS_MAX,
        item: readMember,
        key: (member) => member.agentKey,
      }),
    ),
    heads: readList(signed.fields[3], 'heads of presence', {
      itemsMax: PRESENCE_HEADS_MAX,
      item: readHead,
    }),
    echoes: readList(signed.fields[4], 'echoes of presence', {
      itemsMax: PRESENCE_ECHOES_MAX,
      item: readEcho,
    }),
  }
}

function readEcho(field: Field, what: string): Echo {
  const fields = readArray(field, what, ECHO_FIELDS)
  return {
    nonce: readBytes(fields[0], `nonce of ${what}`, 16),
    heldMs: readInteger(fields[1], `time of ${what}`, { min: 0, max: PRESENCE_ECHO_MS_MAX }),
  }
}

function readHead(field: Field, what: string): Head {
  const fields = readArray(field, what, HEAD_FIELDS)
  return {
    key: readBytes(fields[0], `key of ${what}`),
    class: readOneOf(fields[1], `class of ${what}`, ['event', 'task']),
    epoch: readTime(fields[2], `epoch of ${what}`),
    next: readInteger(fields[3], `next place of ${what}`, { min: 1, max: 2 ** 53 - 1 }),
  }
}

function readMember(field: Field, what: string): PresentMember {
  const fields = readArray(field, what, MEMBER_FIELDS)
  return {
    agent: readName(fields[0], `name of ${what}`),
    agentKey: readBytes(fields[1], `key of ${what}`),
    since: readTime(fields[2], `since of ${what}`),
    proof: readBytes(fields[3], `proof of ${what}`),
    subscribe: readOptional(fields[4], `subscribe grant of ${what}`, readBytes),
    answer: readOptional(fields[5], `answer grant of ${what}`, readBytes),
    host: readOptional(fields[6], `host grant of ${what}`, readBytes),
  }
}
