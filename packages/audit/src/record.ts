import type { Name } from '@ixj/names'
import {
  APPROVERS_MAX,
  CHAIN_LINKS_MAX,
  decode,
  encode,
  type Field,
  readArray,
  readBoolean,
  readBytes,
  readInteger,
  readList,
  readName,
  readOneOf,
  readOptional,
  readText,
  readTime,
  TrustError,
  type Value,
} from '@ixj/trust'
import {
  CODE_BYTES_MAX,
  DELEGATORS_MAX,
  REASON_BYTES_MAX,
  RECORD_AGENTS_MAX,
  RECORD_BYTES_MAX,
  RULE_BYTES_MAX,
} from './limits.ts'

/** An agent of the node for which a bundle was, and why it refused, if it did. */
export interface RecordedAgent {
  readonly name: Name
  readonly code: string | null
}

/** What a node decided about one bundle: docs/protocol.md, section "Audit records". */
export interface BundleRecord {
  readonly kind: 'bundle'
  /** When it was decided, ms since the Unix epoch. */
  readonly at: number
  /** The neighbour that handed it over; null: an agent of this node sent it. */
  readonly via: Name | null
  /** Null in all that follow: it was refused before that was read. */
  readonly action: string | null
  readonly class: string | null
  readonly topic: Name | null
  /** Who sent it; a mere claim unless `signed`. */
  readonly sender: Name | null
  /** Whether the sender's key was proven, and its signature held. */
  readonly signed: boolean
  /** The anchor under which the sender's name was proven. */
  readonly organisation: Name | null
  readonly onBehalfOf: Name | null
  /** Who passed the authority on: the issuers of its grants, from the root. */
  readonly delegators: readonly Name[]
  /** The bundle's id, 32 bytes. */
  readonly id: Uint8Array | null
  /** Ids of the grants under which it was sent, from root to leaf. */
  readonly grants: readonly Uint8Array[]
  /** The id of the proof. */
  readonly proof: Uint8Array | null
  /** Who approved it, where its grants ask for that. */
  readonly approvers: readonly Name[]
  /** How many messages it holds. */
  readonly messages: number
  /** Null: accepted. */
  readonly code: string | null
  /** The rule of the policy that decided. */
  readonly rule: string | null
  /** Agents of this node that it was for, up to {@link RECORD_AGENTS_MAX}. */
  readonly agents: readonly RecordedAgent[]
  /** How many it was for in all. */
  readonly agentsCount: number
}

/** A statement that an agent of this node issued, or one that it revoked. */
export interface StatementRecord {
  readonly kind: 'statement'
  readonly at: number
  readonly act: 'issued' | 'revoked'
  /** `binding`, `grant` and so on. */
  readonly statement: string
  /** The statement's id, 32 bytes. */
  readonly id: Uint8Array
  readonly issuer: Name
  /** For whom, in a grant. */
  readonly onBehalfOf: Name | null
  /** Whom it is about: a name or a pattern. */
  readonly subject: string | null
  /** The grant of which it is a part. */
  readonly parent: Uint8Array | null
  readonly notAfter: number
}

/** An approval that an agent of this node gave. */
export interface ApprovalRecord {
  readonly kind: 'approval'
  readonly at: number
  /** The approval's id, 32 bytes. */
  readonly id: Uint8Array
  readonly approver: Name
  readonly topic: Name
  /** Whose message it approves. */
  readonly sender: Name
  /** The grant under which that is sent. */
  readonly authority: Uint8Array
}

/** Refusals that were like one before them and were only counted. */
export interface RepeatsRecord {
  readonly kind: 'repeats'
  readonly at: number
  /** When the first of them came. */
  readonly since: number
  /** Null: of several neighbours, or of this node's own agents. */
  readonly via: Name | null
  readonly code: string
  /** Null: of several, or not proven. */
  readonly sender: Name | null
  readonly topic: Name | null
  readonly count: number
}

/** The log could not be written for a while; it is the first record after that. */
export interface GapRecord {
  readonly kind: 'gap'
  readonly at: number
  readonly since: number
  /** How many records are missing. */
  readonly lost: number
  readonly reason: string
}

/** One entry of an audit log. */
export type AuditRecord =
  BundleRecord | StatementRecord | ApprovalRecord | RepeatsRecord | GapRecord

/** The version of records. */
export const VERSION = 1

const FIELDS: Readonly<Record<AuditRecord['kind'], number>> = {
  bundle: 21,
  statement: 11,
  approval: 8,
  repeats: 9,
  gap: 6,
}

/** The one encoding of a record: its array, docs/protocol.md, section "Audit records". */
export function encodeRecord(record: AuditRecord): Uint8Array {
  return encode([VERSION, record.kind, record.at, ...fieldsOf(record)], {
    bytesMax: RECORD_BYTES_MAX,
  })
}

/** Agents, as their list is encoded. */
export function agentFields(agents: readonly RecordedAgent[]): Value[] {
  return agents.map((agent) => [agent.name, agent.code])
}

function fieldsOf(record: AuditRecord): Value[] {
  switch (record.kind) {
    case 'bundle':
      return [...bundleFields(record), agentFields(record.agents), record.agentsCount]
    case 'statement': {
      const { act, statement, id, issuer, onBehalfOf, subject, parent, notAfter } = record
      return [act, statement, id, issuer, onBehalfOf, subject, parent, notAfter]
    }
    case 'approval': {
      const { id, approver, topic, sender, authority } = record
      return [id, approver, topic, sender, authority]
    }
    case 'repeats': {
      const { since, via, code, sender, topic, count } = record
      return [since, via, code, sender, topic, count]
    }
    case 'gap':
      return [record.since, record.lost, record.reason]
  }
}

/** All but its agents, which are the last but one, and how many they are. */
export function bundleFields(record: BundleRecord): Value[] {
  const { via, action, topic, sender, signed, organisation, onBehalfOf, delegators } = record
  const { id, grants, proof, approvers, messages, code, rule } = record
  return [
    via,
    action,
    record.class,
    topic,
    sender,
    signed,
    organisation,
    onBehalfOf,
    delegators,
    id,
    grants,
    proof,
    approvers,
    messages,
    code,
    rule,
  ]
}

/**
 * Reads a record.
 * @throws TrustError `encoding`, `too-large`, `form`, `name`; `unsupported` for a later version or
 * a kind that is not known
 */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  const value = decode(bytes, { bytesMax: RECORD_BYTES_MAX })
  const [version, kind, at, ...fields] = Array.isArray(value) ? (value as readonly Value[]) : []
  if (typeof version !== 'number') {
    throw new TrustError('form', 'Cannot read record: it does not begin with a version')
  }
  if (version !== VERSION) {
    throw new TrustError('unsupported', `Cannot read record of version ${version}`)
  }
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) {
    throw new TrustError('unsupported', 'Cannot read record: its kind is not known')
  }
  readArray(value, 'record', FIELDS[kind as AuditRecord['kind']])
  return readFields(kind as AuditRecord['kind'], readTime(at, 'time of record'), fields)
}

function readFields(kind: AuditRecord['kind'], at: number, fields: readonly Field[]): AuditRecord {
  switch (kind) {
    case 'bundle':
      return readBundle(at, fields)
    case 'statement':
      return readStatement(at, fields)
    case 'approval': {
      const [id, approver, topic, sender, authority] = fields
      return {
        kind,
        at,
        id: readBytes(id, 'id of approval'),
        approver: readName(approver, 'approver of approval'),
        topic: readName(topic, 'topic of approval'),
        sender: readName(sender, 'sender of approval'),
        authority: readBytes(authority, 'authority of approval'),
      }
    }
    case 'repeats': {
      const [since, via, code, sender, topic, count] = fields
      return {
        kind,
        at,
        since: readTime(since, 'since of repeats'),
        via: readOptional(via, 'via of repeats', readName),
        code: readText(code, 'code of repeats', CODE_BYTES_MAX),
        sender: readOptional(sender, 'sender of repeats', readName),
        topic: readOptional(topic, 'topic of repeats', readName),
        count: readCount(count, 'count of repeats'),
      }
    }
    case 'gap': {
      const [since, lost, reason] = fields
      return {
        kind,
        at,
        since: readTime(since, 'since of gap'),
        lost: readCount(lost, 'lost of gap'),
        reason: readText(reason, 'reason of gap', REASON_BYTES_MAX),
      }
    }
  }
}

function readBundle(at: number, fields: readonly Field[]): BundleRecord {
  const [via, action, ofClass, topic, sender, signed, organisation, onBehalfOf, ...rest] = fields
  const [delegators, id, grants, proof, approvers, messages, code, rule, agents, agentsCount] = rest
  return {
    kind: 'bundle',
    at,
    via: readOptional(via, 'via of record', readName),
    action: readOptional(action, 'action of record', readCode),
    class: readOptional(ofClass, 'class of record', readCode),
    topic: readOptional(topic, 'topic of record', readName),
    sender: readOptional(sender, 'sender of record', readName),
    signed: readBoolean(signed, 'signed of record'),
    organisation: readOptional(organisation, 'organisation of record', readName),
    onBehalfOf: readOptional(onBehalfOf, 'onBehalfOf of record', readName),
    delegators: readList(delegators, 'delegators of record', {
      itemsMax: DELEGATORS_MAX,
      item: readName,
    }),
    id: readOptional(id, 'id of record', readBytes),
    grants: readList(grants, 'grants of record', { itemsMax: CHAIN_LINKS_MAX, item: readBytes }),
    proof: readOptional(proof, 'proof of record', readBytes),
    approvers: readList(approvers, 'approvers of record', {
      itemsMax: APPROVERS_MAX,
      item: readName,
    }),
    messages: readCount(messages, 'messages of record'),
    code: readOptional(code, 'code of record', readCode),
    rule: readOptional(rule, 'rule of record', (value, what) =>
      readText(value, what, RULE_BYTES_MAX),
    ),
    agents: readList(agents, 'agents of record', { itemsMax: RECORD_AGENTS_MAX, item: readAgent }),
    agentsCount: readCount(agentsCount, 'agentsCount of record'),
  }
}

function readStatement(at: number, fields: readonly Field[]): StatementRecord {
  const [act, statement, id, issuer, onBehalfOf, subject, parent, notAfter] = fields
  return {
    kind: 'statement',
    at,
    act: readOneOf(act, 'act of record', ['issued', 'revoked']),
    statement: readCode(statement, 'statement of record'),
    id: readBytes(id, 'id of record'),
    issuer: readName(issuer, 'issuer of record'),
    onBehalfOf: readOptional(onBehalfOf, 'onBehalfOf of record', readName),
    subject: readOptional(subject, 'subject of record', (value, what) =>
      readText(value, what, RULE_BYTES_MAX),
    ),
    parent: readOptional(parent, 'parent of record', readBytes),
    notAfter: readTime(notAfter, 'notAfter of record'),
  }
}

function readAgent(value: Field, what: string): RecordedAgent {
  const [name, code] = readArray(value, what, 2)
  return { name: readName(name, what), code: readOptional(code, what, readCode) }
}

function readCode(value: Field, what: string): string {
  return readText(value, what, CODE_BYTES_MAX)
}

function readCount(value: Field, what: string): number {
  return readInteger(value, what, { min: 0, max: Number.MAX_SAFE_INTEGER })
}
