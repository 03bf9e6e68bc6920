import {
  type Asked,
  type DnsName,
  type DnsRecord,
  type DnssecCrypto,
  formatRecord,
  isAtOrBelowName,
  nodeDnssecCrypto,
  parentOf,
  parseDnsName,
  TYPE,
  typeOfName,
  unproven,
  validate,
  type Validation,
  type ValidationContext,
  type ZoneAnchor,
} from '@ixj/dns'
import { NOW, type SignedZone } from './signed-zone.ts'

/** `'TXT a.example'` as a question. */
export function ask(text: string): Asked {
  const [type, name] = text.split(' ')
  return { name: parseDnsName(name!), type: typeOfName(type!)! }
}

/** The line of a DS record for the zone above. */
export function dsLine(zone: SignedZone): string {
  return formatRecord(zone.ds)
}

/** What servers of these zones answer: the zone above a cut has its DS. */
export function answerOf(zones: readonly SignedZone[], asked: Asked): DnsRecord[] {
  const place = asked.type === TYPE.DS ? parentOf(asked.name) : asked.name
  const [zone] = zones
    .filter(({ name }) => isAtOrBelowName(place, name))
    .toSorted((left, right) => right.name.length - left.name.length)
  return zone === undefined ? [] : zone.answer(asked)
}

/** A context at the time of tests. */
export function contextOf(
  anchors: readonly ZoneAnchor[],
  options: { readonly now?: number; readonly crypto?: DnssecCrypto } = {},
): ValidationContext {
  return { anchors, now: options.now ?? NOW, crypto: options.crypto ?? nodeDnssecCrypto() }
}

/** Changes what servers answer, as somebody on the way does. */
export type Tamper = (records: DnsRecord[], asked: Asked) => DnsRecord[]

/** What was found, and all records that were collected for it. */
export interface LookedUp {
  readonly validation: Exclude<Validation, { readonly state: 'incomplete' }>
  readonly records: readonly DnsRecord[]
  readonly asked: readonly Asked[]
}

const ROUNDS_MAX = 24

/** Asks, validates, and asks for what is missing, as a resolver does. */
export async function lookUp(
  zones: readonly SignedZone[],
  question: string,
  options: {
    readonly context?: ValidationContext
    readonly tamper?: Tamper
  } = {},
): Promise<LookedUp> {
  const first = ask(question)
  const context = options.context ?? contextOf([zones[0]!.anchor])
  const tamper = options.tamper ?? ((records) => records)
  const asked: Asked[] = []
  const records: DnsRecord[] = []
  let needs: readonly Asked[] = [first]
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const need of needs) records.push(...tamper(answerOf(zones, need), need))
    asked.push(...needs)
    const validation = await validate(first, records, context)
    if (validation.state !== 'incomplete') return { validation, records, asked }
    needs = validation.needs.filter(
      ({ name, type }) => !asked.some((done) => done.name === name && done.type === type),
    )
    if (needs.length === 0) return { validation: unproven(validation), records, asked }
  }
  throw new Error(`No verdict on ${question} after ${ROUNDS_MAX} rounds`)
}

/** Names for tests, in short. */
export const name = (text: string): DnsName => parseDnsName(text)
