import {
  CLASS,
  decodeMessage,
  dnskeyOf,
  ED25519,
  encodeMessage,
  keyTagOf,
  parseDnsName,
  RCODE,
  signedData,
  signedLabels,
  TYPE,
  wireOfName,
  writeRrsig,
  writeTxt,
  type DnsName,
  type DnsRecord,
  type Message,
  type ZoneAnchor,
} from '@ixj/dns'
import { mutate } from '../../../../test/scoreboard/mutate.ts'
import { nodeSigner } from '../../../../test/world/native-keys.ts'
import type { Packet, Passing, Trick } from './spoofer.ts'
import { FALSE_KEY } from './zone-texts.ts'

const ZONE = parseDnsName('agents.test')
const SIBLING = parseDnsName('evil.test')
const signer = nodeSigner(new Uint8Array(32).fill(7))
const falseData = writeTxt(Buffer.from(FALSE_KEY))
const FOREVER_SECONDS = 0x7fff_ffff

/** The spoofer owns this zone, and whoever is spoofed trusts it for its own names. */
export const siblingAnchor: ZoneAnchor = {
  zone: SIBLING,
  records: [dnskeyOf(SIBLING, { publicKey: signer.publicKey, ttl: 300 })],
}

/** What the spoofer heard before, and its chance. */
export interface Knowledge {
  /** Genuine answers that are not true any more, or belong to other questions. */
  readonly old: Message
  readonly denial: Message
  readonly wildcard: Message
  readonly otherKey: Message
  /** ms since the Unix epoch. */
  readonly now: number
  readonly random: () => number
}

/** Everything that the spoofer can do, by name. */
export function tricksOf(known: Knowledge): ReadonlyMap<string, Trick> {
  return new Map([...forgeries(known), ...replays(known), ...guesses(known)])
}

/** A trick and what it is called. */
type Named = readonly [what: string, trick: Trick]

function forgeries(known: Knowledge): readonly Named[] {
  const { now } = known
  const forever = (records: readonly DnsRecord[]) =>
    records.map((record) => ({ ...record, ttl: FOREVER_SECONDS }))
  return [
    ['swaps the key', change(withKey(swapped))],
    ['strips signatures', change(stripped)],
    ['swaps the key, strips signatures', change((message) => stripped(withKey(swapped)(message)))],
    ['signs with its own key', change((message) => signedBySpoofer(message, { now, zone: ZONE }))],
    ['signs as a sibling', change((message) => signedBySpoofer(message, { now, zone: SIBLING }))],
    ['adds a key', change(withKey((record) => [record, ...swapped(record)]))],
    ['adds a zone key', change(addZoneKey)],
    ['forges an unsigned delegation', change(unsignedDelegation)],
    ['refers to itself', change((message) => refer(message, now))],
    ['raises TTLs', change((message) => everywhere(message, forever))],
    ['cuts everything off', change((message) => ({ ...message, truncated: true, answers: [] }))],
    ['says SERVFAIL', change((message) => ({ ...message, rcode: RCODE.SERVFAIL, answers: [] }))],
    ['changes bytes', ({ query, answer }) => [{ bytes: mutate(answer, query, known.random) }]],
    ['says nothing', () => []],
  ]
}

function replays({ old, denial, wildcard, otherKey }: Knowledge): readonly Named[] {
  const soa = denial.authorities.filter(({ type }) => type === TYPE.SOA)
  return [
    ['plays an old answer again', onKeys((message) => inPlaceOf(message, old))],
    ['denies with nothing', onKeys((message) => denied(message, []))],
    ['denies with the SOA alone', onKeys((message) => denied(message, soa))],
    ['denies another name', onKeys((message) => denied(message, denial.authorities))],
    ['denies the type', onKeys((message) => ({ ...denied(message, []), rcode: 0 }))],
    ['expands a wildcard', onKeys((message) => renamed(message, wildcard))],
    ['gives the key of another name', onKeys((message) => renamed(message, otherKey))],
  ]
}

/** What somebody can do who does not see the queries: over TCP nothing. */
function guesses({ now, random }: Knowledge): readonly Named[] {
  const forged = (passing: Passing, alter: (message: Message) => Message = (message) => message) =>
    changed(passing, (message) => alter(signedBySpoofer(message, { now, zone: ZONE })))
  const before =
    (packets: (passing: Passing) => readonly Packet[]): Trick =>
    (passing) => [...(passing.over === 'udp' ? packets(passing) : []), { bytes: passing.answer }]
  const noise = () => Uint8Array.from({ length: 60 }, () => Math.floor(random() * 256))
  return [
    [
      'answers from another port first',
      before((passing) => [{ bytes: forged(passing), elsewhere: true }]),
    ],
    [
      'guesses ids first',
      before((passing) =>
        Array.from({ length: 8 }, (_, guess) => ({
          bytes: forged(passing, (message) => ({ ...message, id: message.id ^ (guess + 1) })),
        })),
      ),
    ],
    ['guesses the spelling first', before((passing) => [{ bytes: forged(passing, respelled) }])],
    ['floods', before(() => Array.from({ length: 80 }, () => ({ bytes: noise() })))],
    [
      'cuts off over UDP',
      before((passing) => [
        { bytes: forged(passing, (message) => ({ ...message, truncated: true, answers: [] })) },
      ]),
    ],
  ]
}

/** The key swapped and signed by a key of the spoofer, which it says is the zone's. */
function signedBySpoofer(
  message: Message,
  { now, zone }: { readonly now: number; readonly zone: DnsName },
): Message {
  const asked = message.questions[0]!
  const isKey = asked.type === TYPE.DNSKEY
  const record = isKey
    ? dnskeyOf(asked.name, { publicKey: signer.publicKey, ttl: 300 })
    : falseRecord(asked.name)
  const signature = signedAs(isKey ? asked.name : zone, record, now)
  return { ...message, rcode: 0, answers: [record, signature], authorities: [] }
}

function inPlaceOf(message: Message, heard: Message): Message {
  return { ...heard, id: message.id, questions: message.questions }
}

function renamed(message: Message, heard: Message): Message {
  const { name } = message.questions[0]!
  const answers = heard.answers.map((record) => ({ ...record, name }))
  return { ...inPlaceOf(message, heard), answers }
}

/** A signature by the spoofer's key in the name of any zone: our own signer would refuse that. */
function signedAs(zone: DnsName, record: DnsRecord, now: number): DnsRecord {
  const key = dnskeyOf(zone, { publicKey: signer.publicKey, ttl: 300 })
  const seconds = Math.floor(now / 1_000)
  const unsigned = {
    typeCovered: record.type,
    algorithm: ED25519,
    labels: signedLabels(record.name),
    originalTtl: record.ttl,
    expiration: seconds + 3_600,
    inception: seconds - 1,
    keyTag: keyTagOf(key.data),
    signer: zone,
    signature: new Uint8Array(),
  }
  const signature = signer.sign(signedData([record], unsigned))
  if (!(signature instanceof Uint8Array)) throw new Error('This signer answers at once')
  return { ...record, type: TYPE.RRSIG, data: writeRrsig({ ...unsigned, signature }) }
}

/** Changes each answer as a message. */
function change(alter: (message: Message) => Message): Trick {
  return (passing) => [{ bytes: changed(passing, alter) }]
}

function changed({ answer }: Passing, alter: (message: Message) => Message): Uint8Array {
  return encodeMessage(alter(decodeMessage(answer)))
}

/** Changes answers to questions for keys of names alone. */
function onKeys(alter: (message: Message) => Message): Trick {
  return change((message) => (message.questions[0]!.type === TYPE.TXT ? alter(message) : message))
}

function everywhere(
  message: Message,
  alter: (records: readonly DnsRecord[]) => readonly DnsRecord[],
): Message {
  const { answers, authorities, additionals } = message
  return {
    ...message,
    answers: alter(answers),
    authorities: alter(authorities),
    additionals: alter(additionals),
  }
}

function falseRecord(name: DnsRecord['name']): DnsRecord {
  return { name, type: TYPE.TXT, class: CLASS.IN, ttl: 300, data: falseData }
}

function swapped(record: DnsRecord): readonly DnsRecord[] {
  return [{ ...record, data: falseData }]
}

function withKey(alter: (record: DnsRecord) => readonly DnsRecord[]) {
  return (message: Message): Message => ({
    ...message,
    answers: message.answers.flatMap((record) =>
      record.type === TYPE.TXT ? alter(record) : [record],
    ),
  })
}

function stripped(message: Message): Message {
  const kept = (records: readonly DnsRecord[]) =>
    records.filter(({ type }) => type !== TYPE.RRSIG && type !== TYPE.NSEC && type !== TYPE.NSEC3)
  return everywhere(message, kept)
}

function addZoneKey(message: Message): Message {
  const asked = message.questions[0]!
  if (asked.type !== TYPE.DNSKEY) return withKey(swapped)(message)
  const key = dnskeyOf(asked.name, { publicKey: signer.publicKey, ttl: 300 })
  return { ...message, answers: [...message.answers, key] }
}

function denied(message: Message, authorities: readonly DnsRecord[]): Message {
  return { ...message, rcode: RCODE.NXDOMAIN, answers: [], authorities }
}

function unsignedDelegation(message: Message): Message {
  const asked = message.questions[0]!
  if (asked.type !== TYPE.TXT) return stripped({ ...message, answers: [] })
  return { ...message, rcode: 0, answers: [falseRecord(asked.name)], authorities: [] }
}

/** Now and then leads to a server of its own, which signs with a key of its own. */
function refer(message: Message, now: number): Message {
  const asked = message.questions[0]!
  if (asked.type !== TYPE.TXT || message.id % 2 === 0) {
    return signedBySpoofer(message, { now, zone: ZONE })
  }
  const server = parseDnsName('ns1.agents.test')
  const plain = { class: CLASS.IN, ttl: 300 }
  const ns = { ...plain, name: asked.name, type: TYPE.NS, data: wireOfName(server) }
  const address = { ...plain, name: server, type: TYPE.A, data: Uint8Array.of(127, 0, 0, 1) }
  return {
    ...message,
    rcode: 0,
    authoritative: false,
    answers: [],
    authorities: [ns],
    additionals: [address],
  }
}

function respelled(message: Message): Message {
  const questions = message.questions.map(({ name, type, class: questionClass }) => ({
    name,
    type,
    class: questionClass,
  }))
  return { ...message, questions }
}
