import type { Name } from '@ixj/names'
import { equalBytes } from './bytes.ts'
import {
  encode,
  type Field,
  readArray,
  readInteger,
  readSortedSet,
  readText,
  sortedSet,
  type Value,
} from './encoding/index.ts'
import {
  APPROVERS_MAX,
  CONDITION_NAME_MAX,
  GRANT_CONDITIONS_MAX,
  GRANT_TOPICS_MAX,
  PRIORITY_CAP_DEFAULT,
  PRIORITY_MAX,
} from './limits.ts'
import { readName } from './name-fields.ts'
import { TrustError } from './trust-error.ts'

/**
 * One condition of a grant, docs/protocol.md, section "Grant". Known are:
 * `hours` [from, to], minutes of the UTC day, from included, to not, past midnight if to < from;
 * `messagesPerSecond` n, at each receiver; `bytesPerMessage` n; `maxPriority` 0 to 3;
 * `approvals` [k, exact names, sorted]; `stateOn` [exact names, sorted]: class `state` alone, on
 * these topics. Any other is kept as it is, and never holds.
 */
export type Condition = readonly [name: string, value: Value]

/** What conditions are held against: the receiver's time, and the message. */
export interface ConditionUse {
  /** Ms since the Unix epoch; no skew widens a condition. */
  readonly now: number
  readonly bytesPerMessage: number
  readonly priority: number
  /** Who approved this one message, each by a key of its own; not the sender. */
  readonly approvers: readonly Name[]
  readonly topic: Name
  readonly isState: boolean
}

/** What the condition `approvals` asks for: that many of these names. */
export interface ApprovalsNeeded {
  readonly count: number
  /** Sorted. */
  readonly names: readonly Name[]
}

/** One known condition: its form, and when one value allows no more than another. */
interface Rule {
  readonly read: (value: Field, what: string) => Value
  /** Both values have passed `read`. */
  readonly narrower: (parent: Value, child: Value) => boolean
}

const MINUTES_OF_DAY = 1_440
const MS_OF_MINUTE = 60_000

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['hours', { read: readHours, narrower: hoursWithin }],
  ['messagesPerSecond', { read: readCount, narrower: atMost }],
  ['bytesPerMessage', { read: readCount, narrower: atMost }],
  ['maxPriority', { read: readPriority, narrower: atMost }],
  ['approvals', { read: readApprovals, narrower: approvalsWithin }],
  ['stateOn', { read: readTopics, narrower: topicsWithin }],
])

/** The conditions in the order of the wire: sorted by name; approvers are sorted too. */
export function conditionFields(conditions: readonly Condition[]): Value[] {
  const sorted = conditions.map(([name, value]): Condition => [name, sortApprovers(name, value)])
  // Repeats are not left out here: which of two values was meant, nobody knows.
  return sorted.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
}

/**
 * Reads the conditions of a grant: sorted by name, each name once, known ones in their form.
 * @throws TrustError `form`, `name`
 */
export function readConditions(value: Field, what: string): Condition[] {
  return readSortedSet(value, what, {
    itemsMax: GRANT_CONDITIONS_MAX,
    item: readCondition,
    key: ([name]) => name,
  })
}

/**
 * Checks that the child's conditions hold wherever they do, the parent's hold too: each of the
 * parent's is there, equal or narrower; one that is not known must be equal.
 * @throws TrustError `wider-than-parent`
 */
export function checkNarrower(parent: readonly Condition[], child: readonly Condition[]): void {
  for (const [name, limit] of parent) {
    const value = valueOf(child, name)
    if (value === undefined) throw wider(name, 'it is missing')
    const narrower = RULES.get(name)?.narrower ?? same
    if (!narrower(limit, value)) throw wider(name, `${show(value)}, limit ${show(limit)}`)
  }
  // Absence of maxPriority is a limit too: to add the condition may widen.
  if (valueOf(parent, 'maxPriority') === undefined) {
    const priority = valueOf(child, 'maxPriority')
    if (priority !== undefined && !atMost(PRIORITY_CAP_DEFAULT, priority)) {
      const limit = `limit ${PRIORITY_CAP_DEFAULT} where the parent says nothing`
      throw wider('maxPriority', `${show(priority)}, ${limit}`)
    }
  }
}

/**
 * Checks that a grant's conditions are all known here.
 * @throws TrustError `unknown-condition`
 */
export function checkConditionsKnown(conditions: readonly Condition[]): void {
  for (const [name] of conditions) {
    // "An unknown condition refuses": it may say anything, also "never".
    if (!RULES.has(name)) {
      throw new TrustError('unknown-condition', `Cannot use grant: its condition "${name}" is new`)
    }
  }
}

/**
 * Checks a grant's conditions against one message, all but `messagesPerSecond`, which needs a
 * memory (see {@link messagesPerSecondBudgets}). Those of the leaf are enough: each grant repeats
 * its parent's, equal or narrower. That the approvers did approve is the caller's to check.
 * @throws TrustError `condition`, `unknown-condition`; `unapproved` with the names still missing
 */
export function checkConditions(conditions: readonly Condition[], use: ConditionUse): void {
  checkConditionsKnown(conditions)
  checkHours(conditions, use.now)
  const bytesMax = valueOf(conditions, 'bytesPerMessage')
  if (bytesMax !== undefined && !atMost(bytesMax, use.bytesPerMessage)) {
    throw broken('bytesPerMessage', `${use.bytesPerMessage} bytes, limit ${show(bytesMax)}`)
  }
  const priorityMax = valueOf(conditions, 'maxPriority') ?? PRIORITY_CAP_DEFAULT
  if (!atMost(priorityMax, use.priority)) {
    throw broken('maxPriority', `priority ${use.priority}, limit ${show(priorityMax)}`)
  }
  checkApproved(conditions, use.approvers)
  checkStateOn(conditions, use)
}

/** What a grant of `speak` may be narrowed to. */
const SPEAKING_CONDITIONS: ReadonlySet<string> = new Set(['hours', 'stateOn'])

/**
 * Checks the conditions of a grant by which somebody speaks for the sender of a message. `hours` is
 * checked with the grant's chain; what nobody holds against a message refuses, as if it did not hold.
 * @throws TrustError `condition`
 */
export function checkSpeaking(
  conditions: readonly Condition[],
  use: Pick<ConditionUse, 'topic' | 'isState'>,
): void {
  const other = conditions.find(([name]) => !SPEAKING_CONDITIONS.has(name))
  if (other !== undefined) {
    throw broken(other[0], 'a grant of "speak" can be narrowed by "hours" and "stateOn" alone')
  }
  checkStateOn(conditions, use)
}

function checkStateOn(
  conditions: readonly Condition[],
  { topic, isState }: Pick<ConditionUse, 'topic' | 'isState'>,
): void {
  const topics = valueOf(conditions, 'stateOn') as readonly Name[] | undefined
  if (topics === undefined || (isState && topics.includes(topic))) return
  const limit = `limit class state on ${topics.slice(0, 2).join(', ')}`
  throw broken('stateOn', `${isState ? 'state' : 'another class'} on ${topic}, ${limit}`)
}

/** What the condition `approvals` asks for; undefined without one. */
export function approvalsNeeded(conditions: readonly Condition[]): ApprovalsNeeded | undefined {
  const value = valueOf(conditions, 'approvals')
  if (value === undefined) return undefined
  const [count, names] = value as readonly [number, readonly Name[]]
  return { count, names }
}

/** "Unapproved dangerous actions are refused with the list of who is still missing." */
function checkApproved(conditions: readonly Condition[], approvers: readonly Name[]): void {
  const needed = approvalsNeeded(conditions)
  if (needed === undefined) return
  const { count, names } = needed
  // By name, so that one approver with two keys counts once.
  const missing = names.filter((name) => !approvers.includes(name))
  const had = names.length - missing.length
  if (had >= count) return
  const more = count - had === missing.length ? 'missing' : `missing ${count - had} of`
  throw new TrustError(
    'unapproved',
    `Cannot use grant: it has ${had} of ${count} approvals, ${more}: ${missing.join(', ')}`,
  )
}

/**
 * Checks the `hours` condition, if there is one.
 * @throws TrustError `condition`
 */
export function checkHours(conditions: readonly Condition[], now: number): void {
  const hours = valueOf(conditions, 'hours')
  if (hours === undefined) return
  const [from, to] = hours as readonly [number, number]
  const minute = Math.floor(now / MS_OF_MINUTE) % MINUTES_OF_DAY
  if (minutesAfter(from, minute) >= minutesAfter(from, to)) {
    throw broken('hours', `minute ${minute} of the UTC day, limit ${from} to ${to}`)
  }
}

/** The value of the condition with this name; undefined if there is none. */
export function valueOf(conditions: readonly Condition[], name: string): Value | undefined {
  return conditions.find((condition) => condition[0] === name)?.[1]
}

function readCondition(value: Field, what: string): Condition {
  const [nameField, conditionValue] = readArray(value, what, 2)
  const name = readText(nameField, `name of ${what}`, CONDITION_NAME_MAX)
  // Later versions keep to this, so that a name can be printed as it is.
  if (!/^[a-zA-Z][a-zA-Z0-9-]*$/.test(name)) {
    const text = JSON.stringify(name)
    throw new TrustError('form', `Cannot read name of ${what}: ${text} is not letters, digits, "-"`)
  }
  const rule = RULES.get(name)
  return [
    name,
    rule === undefined ? conditionValue! : rule.read(conditionValue, `${name} of grant`),
  ]
}

function readHours(value: Field, what: string): Value {
  const [fromField, toField] = readArray(value, what, 2)
  const range = { min: 0, max: MINUTES_OF_DAY - 1 }
  const from = readInteger(fromField, `start of ${what}`, range)
  const to = readInteger(toField, `end of ${what}`, range)
  if (from === to) {
    throw new TrustError('form', `Cannot read ${what}: from ${from} to ${to} is no time or all day`)
  }
  return [from, to]
}

function readCount(value: Field, what: string): Value {
  return readInteger(value, what, { min: 1, max: Number.MAX_SAFE_INTEGER })
}

function readPriority(value: Field, what: string): Value {
  return readInteger(value, what, { min: 0, max: PRIORITY_MAX })
}

function readApprovals(value: Field, what: string): Value {
  const [needed, names] = readArray(value, what, 2)
  const approvers = readSortedSet(names, `approvers of ${what}`, {
    itemsMin: 1,
    itemsMax: APPROVERS_MAX,
    item: readName,
  })
  return [readInteger(needed, `count of ${what}`, { min: 1, max: approvers.length }), approvers]
}

function readTopics(value: Field, what: string): Value {
  return readSortedSet(value, what, {
    itemsMin: 1,
    itemsMax: GRANT_TOPICS_MAX,
    item: readName,
  })
}

function sortApprovers(name: string, value: Value): Value {
  if (name !== 'approvals' || !isList(value) || value.length !== 2) return value
  const [needed, names] = value
  if (!isList(names) || !names.every((item) => typeof item === 'string')) return value
  return [needed!, sortedSet(names)]
}

// Array.isArray does not narrow a readonly array.
function isList(value: Field): value is readonly Value[] {
  return Array.isArray(value)
}

/** The child's stretch of the day lies in the parent's, on a circle of minutes. */
function hoursWithin(parent: Value, child: Value): boolean {
  const [from, to] = parent as readonly [number, number]
  const [childFrom, childTo] = child as readonly [number, number]
  return minutesAfter(from, childFrom) + minutesAfter(childFrom, childTo) <= minutesAfter(from, to)
}

/** Minutes from one minute of the day to the next time that it is the other one. */
function minutesAfter(from: number, to: number): number {
  return (to - from + MINUTES_OF_DAY) % MINUTES_OF_DAY
}

function atMost(limit: Value, value: Value): boolean {
  return (value as number) <= (limit as number)
}

/** As many approvals or more, from the same names or fewer: then the parent's are there as well. */
function approvalsWithin(parent: Value, child: Value): boolean {
  const [needed, names] = parent as readonly [number, readonly string[]]
  const [childNeeded, childNames] = child as readonly [number, readonly string[]]
  return childNeeded >= needed && childNames.every((name) => names.includes(name))
}

function topicsWithin(parent: Value, child: Value): boolean {
  const topics = parent as readonly string[]
  return (child as readonly string[]).every((topic) => topics.includes(topic))
}

function same(parent: Value, child: Value): boolean {
  return equalBytes(encode(parent), encode(child))
}

/** Values are shown short: a peer chooses them, a log keeps them. */
function show(value: Value): string {
  if (typeof value === 'number') return String(value)
  return isList(value) && value.every((item) => typeof item === 'number')
    ? value.slice(0, 2).join(' to ')
    : 'another value'
}

function wider(name: string, reason: string): TrustError {
  return new TrustError('wider-than-parent', `Cannot accept condition "${name}": ${reason}`)
}

function broken(name: string, reason: string): TrustError {
  return new TrustError('condition', `Cannot use grant: condition "${name}": ${reason}`)
}
