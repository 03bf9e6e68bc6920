import type { PolicyRequest } from '@ixj/agent'
import { isAtOrBelow, isName, type Name } from '@ixj/names'
import { malformed } from '../home/json-text.ts'
import { POLICY_ACTIONS, POLICY_WORDS } from './schema.ts'

/** A request as people write it: names of the schema, values as texts, lists or numbers. */
export type RequestFields = Readonly<Record<string, unknown>>

/** What stands for facts that are not given. */
export interface RequestDefaults {
  /** The anchor at or above a name; undefined: nobody trusts it. */
  readonly organisationOf: (name: Name) => Name | undefined
  /** Ms since the Unix epoch; undefined: the time has to be given. */
  readonly now: number | undefined
}

/** What may be given beside `sender`, `action` and `topic`. */
export const GIVEN_FIELDS = [
  'receiver',
  'organisation',
  'ownOrganisation',
  'path',
  'onBehalfOf',
  'basis',
  'delegators',
  'class',
  'bytes',
  'priority',
  'approvals',
  'freshness',
  'time',
] as const

/** Names in a list, as long as a chain of grants can be. */
const NAMES_MAX = 64

/**
 * The request that people describe; `what` names it in errors. Not given: the receiver is the
 * topic's own agent, organisations are those of the anchors, the sender acts for itself, as owner of
 * what lies in its slice, in a fresh event of priority 1 and no bytes.
 * @throws HomeError `malformed`
 */
export function readRequest(
  fields: RequestFields,
  what: string,
  defaults: RequestDefaults,
): PolicyRequest {
  const read = new FieldReader(fields, what)
  const sender = read.name('sender')
  const topic = read.name('topic')
  const action = read.word('action', POLICY_ACTIONS)
  const receiver = read.name('receiver', topic)
  const { organisationOf } = defaults
  const organisation = read.name('organisation', organisationOf(sender) ?? sender)
  const owns = isAtOrBelow(topic, sender) ? 'owner' : 'none'
  return {
    sender,
    topic,
    action,
    receiver,
    organisation,
    ownOrganisation: read.name('ownOrganisation', organisationOf(receiver) ?? receiver),
    path: read.names('path', [organisation]),
    onBehalfOf: read.name('onBehalfOf', sender),
    basis: read.word('basis', POLICY_WORDS.basis, action === 'answer' ? 'answer' : owns),
    delegators: read.names('delegators', []),
    class: read.word('class', POLICY_WORDS.class, 'event'),
    bytes: read.number('bytes', 0),
    priority: read.number('priority', 1),
    approvals: read.names('approvals', []),
    freshness: read.word('freshness', POLICY_WORDS.freshness, 'fresh'),
    now: read.time('time', defaults.now),
    generation: 0,
  }
}

class FieldReader {
  readonly #fields: RequestFields
  readonly #what: string

  constructor(fields: RequestFields, what: string) {
    this.#fields = fields
    this.#what = what
    const known: readonly string[] = ['sender', 'action', 'topic', ...GIVEN_FIELDS]
    const unknown = Object.keys(fields).find((key) => !known.includes(key))
    if (unknown === undefined) return
    const reason = `${JSON.stringify(unknown.slice(0, 64))} is not one of ${known.join(', ')}`
    throw malformed(what, reason)
  }

  name(field: string, otherwise?: Name): Name {
    return this.#asName(field, this.#value(field, otherwise))
  }

  names(field: string, otherwise: readonly Name[]): readonly Name[] {
    const value = this.#value(field, otherwise)
    const list: readonly unknown[] = Array.isArray(value) ? value : String(value).split(',')
    if (list.length > NAMES_MAX) {
      throw malformed(this.#what, `${field} has ${list.length} names, limit ${NAMES_MAX}`)
    }
    return list.map((each) => this.#asName(field, each))
  }

  word<T extends string>(field: string, words: readonly T[], otherwise?: T): T {
    const value = this.#value(field, otherwise)
    const word = words.find((each) => each === value)
    if (word !== undefined) return word
    throw malformed(this.#what, `${field} must be one of ${words.join(', ')}`)
  }

  number(field: string, otherwise: number): number {
    const value = this.#value(field, otherwise)
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
    throw malformed(this.#what, `${field} must be a whole number, 0 or more`)
  }

  /** `2026-11-26T09:30:00Z`, or ms since the Unix epoch. */
  time(field: string, otherwise: number | undefined): number {
    const value = this.#value(field, otherwise)
    const text = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
    const parsed = text ? Date.parse(value) : value
    if (typeof parsed === 'number' && Number.isSafeInteger(parsed) && parsed >= 0) return parsed
    throw malformed(this.#what, `${field} must be a time such as 2026-11-26T09:30:00Z`)
  }

  #value(field: string, otherwise: unknown): unknown {
    const value = this.#fields[field] ?? otherwise
    if (value !== undefined) return value
    throw malformed(this.#what, `${field} is missing`)
  }

  #asName(field: string, value: unknown): Name {
    if (isName(value)) return value
    throw malformed(this.#what, `${field} must be a name such as w1.acme.example`)
  }
}
