import { setImmediate as otherWork } from 'node:timers/promises'
import {
  type DnsName,
  type DnsRecord,
  EMPTY_MESSAGE,
  encodeMessage,
  isAtOrBelowName,
  labelsOf,
  type Message,
  TYPE,
  writeNsec,
} from '../proof.ts'
import type { ServedZone } from './answer.ts'
import { deniedTypes, negativeTtl, SIGNED } from './denial.ts'
import { TRANSFER_MESSAGE_BYTES } from './limits.ts'
import { reply } from './reply.ts'
import { makeRrset, type Rrset } from './rrset.ts'
import { findType } from './zone-content.ts'

/** How the messages of a transfer are made. */
export interface TransferOptions {
  readonly now: () => number
  /** Signs one encoded message of the sequence. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** Of what a new signature holds, so much must be left when a copy goes out. */
const LEFT_OF_SIGNATURE = 5 / 6
/** Records are counted as this many bytes more than their data: fixed fields and names. */
const RECORD_OVERHEAD_BYTES = 64

interface Owner {
  readonly name: DnsName
  readonly order: string
  readonly rrsets: readonly Rrset[]
}

/**
 * A whole zone as messages (RFC 5936), as it is now, however it changes meanwhile: every RRset with
 * its signature and a chain of NSEC records, so that a server without the key can answer for it.
 */
export async function* transferMessages(
  served: ServedZone,
  query: Message,
  options: TransferOptions,
): AsyncGenerator<Uint8Array> {
  let answers: DnsRecord[] = []
  let bytes = 0
  let isFirst = true
  const finish = (): Uint8Array => {
    const { edns: _, ...plain } = reply(query, { rcode: 0, authoritative: true, answers })
    const message = { ...plain, questions: isFirst ? plain.questions : EMPTY_MESSAGE.questions }
    isFirst = false
    answers = []
    bytes = 0
    return options.sign(encodeMessage(message))
  }
  for (const record of transferRecords(served, options.now)) {
    const size = record.data.length + RECORD_OVERHEAD_BYTES
    if (bytes > 0 && bytes + size > TRANSFER_MESSAGE_BYTES) {
      yield finish()
      // Thousands of signatures follow; queries in between do not wait for all of them.
      await otherWork()
    }
    answers.push(record)
    bytes += size
  }
  yield finish()
}

/** Every record of the zone in zone order, SOA first and last (RFC 5936 section 2.2). */
function* transferRecords(served: ServedZone, now: () => number): Generator<DnsRecord> {
  const { zone, content, signer } = served
  const soa = content.rrset(zone, TYPE.SOA)
  if (soa === undefined) throw new Error(`Zone ${zone} has no SOA`)
  const ttl = negativeTtl(soa)
  const { signed, unsigned } = ownersOf(served)
  const leftMs = signer.aheadMs * LEFT_OF_SIGNATURE
  yield* soa.records
  for (const [index, { name, rrsets }] of signed.entries()) {
    const isCut = name !== zone && findType(rrsets, TYPE.NS) !== undefined
    for (const rrset of rrsets) {
      if (rrset !== soa) yield* rrset.records
      if (!isCut || rrset.type === TYPE.DS) yield signer.signature(rrset, now(), leftMs)
    }
    const next = signed[index + 1]?.name ?? zone
    const types = [...deniedTypes(rrsets, isCut), ...SIGNED]
    const nsec = makeRrset({ name, type: TYPE.NSEC, ttl, data: [writeNsec(next, types)] })
    yield* nsec.records
    yield signer.signOnce(nsec, now())
  }
  for (const { rrsets } of unsigned) for (const rrset of rrsets) yield* rrset.records
  yield* soa.records
}

/** Names with records, in zone order; apart from them those below a delegation. */
function ownersOf({ content }: ServedZone): { signed: Owner[]; unsigned: Owner[] } {
  const owners: Owner[] = []
  for (const name of content.names()) {
    const rrsets = content.rrsetsAt(name)
    if (rrsets.length > 0) owners.push({ name, order: orderOf(name), rrsets })
  }
  owners.sort((left, right) => (left.order < right.order ? -1 : 1))
  const [signed, unsigned]: [Owner[], Owner[]] = [[], []]
  let cut: DnsName | undefined
  for (const owner of owners) {
    // A delegation stands right before all that is below it.
    if (cut !== undefined && isAtOrBelowName(owner.name, cut)) {
      unsigned.push(owner)
      continue
    }
    if (owner.name !== content.zone && findType(owner.rrsets, TYPE.NS)) cut = owner.name
    signed.push(owner)
  }
  return { signed, unsigned }
}

/** A text that sorts as the name does in its zone (RFC 4034 section 6.1): made once for each. */
function orderOf(name: DnsName): string {
  const bytesOf = (label: string) =>
    label.replaceAll(/\\(\d{3})|(.)/g, (_, code: string | undefined, plain: string) =>
      String.fromCharCode(1 + (code === undefined ? plain.charCodeAt(0) : Number(code))),
    )
  return labelsOf(name).map(bytesOf).toReversed().join('\0')
}
