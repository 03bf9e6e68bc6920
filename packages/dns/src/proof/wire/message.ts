import { DnsError } from '../dns-error.ts'
import { MESSAGE_BYTES_MAX, MESSAGE_RECORDS_MAX, QUESTIONS_MAX } from '../limits.ts'
import { nameOfWire, ROOT, type DnsName } from './dns-name.ts'
import { WireReader } from './reader.ts'
import { readData, type DnsRecord } from './record.ts'
import { TYPE } from './record-type.ts'
import { WireWriter } from './writer.ts'

/** What a query asks; in an update, the zone. */
export interface Question {
  readonly name: DnsName
  readonly type: number
  readonly class: number
  /** The name as it was spelled, in wire form: an answer repeats its case (draft 0x20). */
  readonly spelling?: Uint8Array
}

/** Extension mechanisms (RFC 6891). */
export interface Edns {
  /** The largest UDP message that its sender takes. */
  readonly udpBytes: number
  readonly version: number
  /** DO: signatures are wanted (RFC 3225). */
  readonly dnssecOk: boolean
  /** CO: a compact denial may have the code NXDOMAIN (RFC 9824 section 5.1); default: false. */
  readonly compactOk?: boolean
  readonly options: readonly EdnsOption[]
}

/** One option: a code (IANA) and its bytes. */
export interface EdnsOption {
  readonly code: number
  readonly data: Uint8Array
}

/** A message of the DNS (RFC 1035 section 4). In an update the sections have other names. */
export interface Message {
  readonly id: number
  readonly opcode: number
  /** The upper bits of EDNS included. */
  readonly rcode: number
  /** QR: an answer. */
  readonly response: boolean
  /** AA: by a server of the zone. */
  readonly authoritative: boolean
  /** TC: cut off; ask again over TCP. */
  readonly truncated: boolean
  /** RD. */
  readonly recursionDesired: boolean
  /** RA. */
  readonly recursionAvailable: boolean
  /** AD: the resolver says that it validated this. */
  readonly authenticData: boolean
  /** CD: do not validate for me. */
  readonly checkingDisabled: boolean
  readonly questions: readonly Question[]
  /** In an update: prerequisites (RFC 2136 section 2.4). */
  readonly answers: readonly DnsRecord[]
  /** In an update: the changes (RFC 2136 section 2.5). */
  readonly authorities: readonly DnsRecord[]
  /** Without OPT, which is `edns`, and without TSIG. */
  readonly additionals: readonly DnsRecord[]
  readonly edns?: Edns
  /** The transaction signature, which was the last record. */
  readonly tsig?: ReceivedTsig
}

/** A TSIG record, and where it began: what stands before is what it signs. */
export interface ReceivedTsig {
  readonly record: DnsRecord
  readonly offset: number
}

/** A message with nothing in it; for `{ ...EMPTY_MESSAGE, … }`. */
export const EMPTY_MESSAGE: Message = {
  id: 0,
  opcode: 0,
  rcode: 0,
  response: false,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
}

/** The header alone: enough to answer FORMERR to what cannot be read. */
export function peekHeader(bytes: Uint8Array): { id: number; opcode: number; response: boolean } {
  const reader = new WireReader(bytes)
  const id = reader.u16()
  const flags = reader.u16()
  return { id, opcode: (flags >> 11) & 15, response: flags >= 0x8000 }
}

/**
 * Reads a message. Counts are checked against limits before anything is built.
 * @throws DnsError `format`, `limit`
 */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw new DnsError('limit', `Cannot read ${bytes.length} bytes, limit ${MESSAGE_BYTES_MAX}`)
  }
  const reader = new WireReader(bytes)
  const id = reader.u16()
  const flags = reader.u16()
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const
  const [questionCount, answerCount, authorityCount, additionalCount] = counts
  if (questionCount > QUESTIONS_MAX) {
    throw new DnsError('format', `Cannot read ${questionCount} questions, limit ${QUESTIONS_MAX}`)
  }
  const records = answerCount + authorityCount + additionalCount
  // A record takes 11 bytes at least, so a count alone cannot make us work.
  if (records > MESSAGE_RECORDS_MAX || records * 11 > reader.left) {
    throw new DnsError('limit', `Cannot read ${records} records in ${bytes.length} bytes`)
  }
  const questions: Question[] = []
  for (let count = 0; count < questionCount; count++) {
    const spelling = reader.wireName()
    const name = nameOfWire(spelling)
    questions.push({ name, type: reader.u16(), class: reader.u16(), spelling })
  }
  const section = (count: number) => Array.from({ length: count }, () => readRecord(reader))
  const answers = section(answerCount)
  const authorities = section(authorityCount)
  const last = readAdditionals(reader, additionalCount)
  reader.finish('message')
  const { edns, tsig, extendedRcode } = last
  return {
    id,
    opcode: (flags >> 11) & 15,
    rcode: (flags & 15) | (extendedRcode << 4),
    response: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    questions,
    answers,
    authorities,
    additionals: last.records,
    ...(edns === undefined ? {} : { edns }),
    ...(tsig === undefined ? {} : { tsig }),
  }
}

interface Additionals {
  readonly records: readonly DnsRecord[]
  readonly edns: Edns | undefined
  readonly tsig: ReceivedTsig | undefined
  readonly extendedRcode: number
}

/** OPT at most once, for the root (RFC 6891 section 6.1.1); TSIG last (RFC 8945 section 5.1). */
function readAdditionals(reader: WireReader, count: number): Additionals {
  const records: DnsRecord[] = []
  let edns: Edns | undefined
  let tsig: ReceivedTsig | undefined
  let extendedRcode = 0
  for (let index = 0; index < count; index++) {
    const offset = reader.offset
    const record = readRecord(reader)
    if (record.type === TYPE.OPT) {
      if (edns !== undefined || record.name !== ROOT) {
        throw new DnsError('format', 'Cannot read message: a second OPT, or one with a name')
      }
      extendedRcode = Math.floor(record.ttl / 0x100_0000)
      edns = readEdns(record)
    } else if (record.type === TYPE.TSIG) {
      if (index !== count - 1) {
        throw new DnsError('format', 'Cannot read message: its TSIG is not the last record')
      }
      tsig = { record, offset }
    } else records.push(record)
  }
  return { records, edns, tsig, extendedRcode }
}

function readEdns(record: DnsRecord): Edns {
  const reader = new WireReader(record.data)
  const options: EdnsOption[] = []
  while (reader.left > 0) {
    const code = reader.u16()
    options.push({ code, data: Uint8Array.from(reader.view(reader.u16())) })
  }
  return {
    udpBytes: record.class,
    version: Math.floor(record.ttl / 0x1_0000) & 0xff,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    ...((record.ttl & 0x4000) === 0 ? {} : { compactOk: true }),
    options,
  }
}

/** Reads one record. @throws DnsError `format` */
export function readRecord(reader: WireReader): DnsRecord {
  const name = reader.name()
  const type = reader.u16()
  const recordClass = reader.u16()
  const ttl = reader.u32()
  const data = readData(reader, type, reader.u16())
  return { name, type, class: recordClass, ttl, data }
}

/**
 * Writes a message; owner names are compressed. The TSIG of a received one is not written again.
 * @throws DnsError `limit` if it does not fit into `bytesMax`
 */
export function encodeMessage(
  message: Message,
  options: { readonly bytesMax?: number } = {},
): Uint8Array {
  const writer = new WireWriter(options.bytesMax ?? MESSAGE_BYTES_MAX)
  const { edns } = message
  writer.u16(message.id)
  writer.u16(flagsOf(message))
  writer.u16(message.questions.length)
  writer.u16(message.answers.length)
  writer.u16(message.authorities.length)
  writer.u16(message.additionals.length + (edns === undefined ? 0 : 1))
  for (const question of message.questions) {
    if (question.spelling === undefined) writer.compressedName(question.name)
    else {
      writer.remember(question.name, writer.offset)
      writer.raw(question.spelling)
    }
    writer.u16(question.type)
    writer.u16(question.class)
  }
  for (const record of message.answers) writeRecord(writer, record)
  for (const record of message.authorities) writeRecord(writer, record)
  for (const record of message.additionals) writeRecord(writer, record)
  if (edns !== undefined) writeEdns(writer, edns, message.rcode >> 4)
  return writer.finish()
}

function flagsOf(message: Message): number {
  const bit = (set: boolean, value: number) => (set ? value : 0)
  return (
    bit(message.response, 0x8000) |
    (message.opcode << 11) |
    bit(message.authoritative, 0x0400) |
    bit(message.truncated, 0x0200) |
    bit(message.recursionDesired, 0x0100) |
    bit(message.recursionAvailable, 0x0080) |
    bit(message.authenticData, 0x0020) |
    bit(message.checkingDisabled, 0x0010) |
    (message.rcode & 15)
  )
}

function writeEdns(writer: WireWriter, edns: Edns, extendedRcode: number): void {
  writer.u8(0)
  writer.u16(TYPE.OPT)
  writer.u16(edns.udpBytes)
  writer.u8(extendedRcode)
  writer.u8(edns.version)
  writer.u16((edns.dnssecOk ? 0x8000 : 0) | (edns.compactOk === true ? 0x4000 : 0))
  const length = edns.options.reduce((sum, option) => sum + 4 + option.data.length, 0)
  writer.u16(length)
  for (const option of edns.options) {
    writer.u16(option.code)
    writer.u16(option.data.length)
    writer.raw(option.data)
  }
}

/** Writes one record, its owner's name compressed. @throws DnsError `limit` */
export function writeRecord(writer: WireWriter, record: DnsRecord): void {
  writer.compressedName(record.name)
  writer.u16(record.type)
  writer.u16(record.class)
  writer.u32(record.ttl)
  writer.u16(record.data.length)
  writer.raw(record.data)
}
