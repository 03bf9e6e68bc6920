import { readFileSync } from 'node:fs'
import {
  AuditError,
  decodeRecord,
  encodeRecord,
  formatProof,
  formatSignedCheckpoint,
  formatWitnessRequest,
  parseNote,
  formatNote,
  parseProof,
  parseWitnessRequest,
  signCheckpoint,
} from '@ixj/audit'
import {
  CLASS,
  decodeChain,
  decodeMessage,
  DnsError,
  type DnsRecord,
  EMPTY_MESSAGE,
  encodeChain,
  encodeMessage,
  formatKeyRecord,
  formatZone,
  parseDnsName,
  parseKeyRecord,
  parseZone,
} from '@ixj/dns/proof'
import { NameError, nameFromUser, parseName, parsePattern } from '@ixj/names'
import {
  AnchorSet,
  decode,
  decodeApplication,
  decodeProof,
  decodeStatement,
  encode,
  encodeApplication,
  encodeProof,
  formatAnchors,
  fromHex,
  parseAnchors,
  toHex,
  TrustError,
  utf8Bytes,
} from '@ixj/trust'
import { decodeApproval } from '../../packages/agent/src/bundles/approval.ts'
import { decodeBundle } from '../../packages/agent/src/bundles/bundle.ts'
import { decodeMessages } from '../../packages/agent/src/bundles/message.ts'
import { readClaim } from '../../packages/agent/src/invitations/claim.ts'
import {
  formatInvitation,
  parseInvitation,
} from '../../packages/agent/src/invitations/invitation.ts'
import { readInviterMessage } from '../../packages/agent/src/invitations/inviter-message.ts'
import { inviteScene } from '../../packages/agent/test/invitations/invitation-scene.ts'
import { decodeFrame, encodeFrame } from '../../packages/agent/src/neighbours/frames.ts'
import {
  decodeSocketFrame,
  encodeSocketFrame,
} from '../../packages/agent/src/relay/socket-frames.ts'
import { Refusal } from '../../packages/agent/src/pipeline/verdicts.ts'
import { decodeAnnouncement } from '../../packages/agent/src/presence/announcement.ts'
import { nodeSha256 as hash, openNodeVerifier } from '../../packages/node/src/node-keys.ts'
import { SignedZone } from '../../packages/dns/test/signed-zone.ts'
import { answerOf, ask } from '../../packages/dns/test/zone-world.ts'
import {
  ORIGIN as LOG,
  recordOf,
  SIGNER as LOG_SIGNER,
} from '../../packages/audit/test/made-log.ts'
import type { FuzzTarget } from './guided-fuzz.ts'

type Refusing = abstract new (...fields: never[]) => Error

function refusing(...classes: readonly Refusing[]): FuzzTarget['isRefusal'] {
  return (cause) => classes.some((each) => cause instanceof each)
}

/** What was read from these bytes is written as these bytes: no value has two encodings. */
function expectSame(input: Uint8Array, written: Uint8Array): void {
  if (Buffer.from(written).equals(input)) return
  throw new Error(`It was read, and is written as ${Buffer.from(written).toString('hex')}`)
}

/** The texts of a vector file under some keys, at any depth. */
function vectorTexts(file: string, keys: readonly string[]): readonly string[] {
  const found: string[] = []
  const text = readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')
  JSON.parse(text, (key, value: unknown) => {
    if (keys.includes(key) && typeof value === 'string') found.push(value)
    return value
  })
  if (found.length === 0) throw new Error(`${file} has no ${keys.join(', ')}`)
  return found
}

function vectorBytes(file: string, ...keys: readonly string[]): readonly Uint8Array[] {
  return vectorTexts(file, keys).map((text) => fromHex(text))
}

function vectorLines(file: string, ...keys: readonly string[]): readonly Uint8Array[] {
  return vectorTexts(file, keys)
    .filter((text) => text.isWellFormed())
    .map((text) => utf8Bytes(text))
}

/** Whatever bytes say as text; invalid UTF-8 becomes another text, which is as good. */
function textOf(input: Uint8Array): string {
  return Buffer.from(input).toString('utf8')
}

/** Key, signature and message, one after the other. */
function vectorSignatures(file: string): readonly Uint8Array[] {
  const [keys, messages, signatures] = ['publicKey', 'message', 'signature'].map((each) =>
    vectorBytes(file, each),
  ) as [readonly Uint8Array[], readonly Uint8Array[], readonly Uint8Array[]]
  return keys.map((key, index) => Buffer.concat([key, signatures[index]!, messages[index]!]))
}

function message(question: string, records: readonly DnsRecord[]): Uint8Array {
  return encodeMessage({
    ...EMPTY_MESSAGE,
    response: true,
    questions: [{ ...ask(question), class: CLASS.IN }],
    answers: records,
    edns: { udpBytes: 1_232, version: 0, dnssecOk: true, options: [] },
  })
}

const isTrust = refusing(TrustError)
const isAgents = refusing(TrustError, Refusal)
const isAudits = refusing(TrustError, AuditError)
const isDns = refusing(DnsError)
const isNames = refusing(NameError)

const verifier = openNodeVerifier()
const signatures = [
  ...vectorSignatures('ed25519-rfc8032.json'),
  ...vectorSignatures('ed25519-edge.json'),
]
/** All that the keys of the RFC ever signed; odd vectors are one bit away from what is genuine. */
const genuine = vectorSignatures('ed25519-rfc8032.json').map((bytes) => toHex(bytes))
const honestKeys = genuine.map((text) => text.slice(0, 64))

const ORIGIN = parseDnsName('corp')
const zone = new SignedZone('corp', ['_ixjkey 300 IN TXT "key"', '*.w 300 IN A 127.0.0.1'])
const questions = ['TXT _ixjkey.corp', 'A x.w.corp', 'TXT ghost.corp']
const answers = questions.map((question) => answerOf([zone], ask(question)))
const zoneText = formatZone(answers.flat(), { origin: ORIGIN })
const anchors = formatAnchors(
  new AnchorSet([
    {
      name: parseName('acme.example'),
      keys: [fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')],
    },
    { name: parseName('globex.example'), kind: 'zone', records: ['DS 1 15 2 00'] },
  ]),
)

const log = await signCheckpoint(
  { origin: LOG, size: 9, root: hash(utf8Bytes('root')) },
  { signer: LOG_SIGNER, hash },
)
const hashes = ['a', 'b', 'c'].map((text) => hash(utf8Bytes(text)))
const checkpoint = formatSignedCheckpoint(log)

const invited = inviteScene()
const claim = await invited.claim()
const claimed = toHex(readClaim(claim, invited.invitation).signed.body)

/** Every reader of bytes that somebody else has written, and what must hold of what it accepts. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: 'encoding',
    seeds: [
      ...vectorBytes('statements.json', 'envelope'),
      ...vectorBytes('bundles.json', 'bytes'),
      ...vectorBytes('trees.json', 'envelope', 'bytes'),
    ],
    run: (input) => expectSame(input, encode(decode(input))),
    isRefusal: isTrust,
  },
  {
    name: 'application bodies',
    seeds: [
      encodeApplication({ pose: [1.5, -2, 3], at: { deep: [null, true, new Uint8Array(3)] } }),
      ...vectorBytes('bundles.json', 'body'),
    ],
    // A float may have several encodings; what is written once stays as it is.
    run: (input) => {
      const written = encodeApplication(decodeApplication(input))
      expectSame(written, encodeApplication(decodeApplication(written)))
    },
    isRefusal: isTrust,
  },
  {
    name: 'statements',
    seeds: [
      ...vectorBytes('statements.json', 'envelope'),
      ...vectorBytes('trees.json', 'envelope'),
    ],
    run: (input) => expectSame(input, decodeStatement(input, hash).envelope),
    isRefusal: isTrust,
  },
  {
    name: 'proofs',
    seeds: vectorBytes('proof.json', 'encoded'),
    run: (input) => expectSame(input, encodeProof(decodeProof(input))),
    isRefusal: isTrust,
  },
  {
    name: 'bundles and messages',
    seeds: [...vectorBytes('bundles.json', 'bytes'), ...vectorBytes('trees.json', 'bytes')],
    run: (input) => {
      const { header, messagesBytes } = decodeBundle(input, hash)
      return decodeMessages(messagesBytes, header.count)
    },
    isRefusal: isAgents,
  },
  {
    name: 'approvals',
    seeds: vectorBytes('bundles.json', 'envelope'),
    run: (input) => decodeApproval(input),
    isRefusal: isAgents,
  },
  {
    name: 'presence',
    seeds: vectorBytes('bundles.json', 'bytes'),
    run: (input) => decodeAnnouncement(input),
    isRefusal: isAgents,
  },
  {
    name: 'frames between neighbours',
    seeds: vectorBytes('bundles.json', 'bytes'),
    run: (input) => expectSame(input, encodeFrame(decodeFrame(input))),
    isRefusal: isAgents,
  },
  {
    name: 'claims to invitations',
    seeds: [claim],
    // Only what the page made is genuine: its code covers all but its signature.
    run: (input) => {
      const { isGenuine, signed } = readClaim(input, invited.invitation)
      if (isGenuine && toHex(signed.body) !== claimed) throw new Error('A forgery is genuine')
    },
    isRefusal: isTrust,
  },
  {
    name: 'links with invitations',
    seeds: [utf8Bytes(formatInvitation(invited.invitation, 'https://relay1.acme.example/'))],
    run: (input) => parseInvitation(textOf(input)),
    isRefusal: isTrust,
  },
  {
    name: 'what inviters ask of relays',
    seeds: [
      encodeApplication(['wait', new Uint8Array(16), 1]),
      encodeApplication(['answer', new Uint8Array(16), new Uint8Array(32), claim]),
    ],
    run: (input) => readInviterMessage(decodeApplication(input)),
    isRefusal: isTrust,
  },
  {
    name: 'frames of sockets',
    seeds: [
      encodeSocketFrame({ kind: 'open', channel: 1, protocol: '/ixj/hello/1' }),
      encodeSocketFrame({ kind: 'data', channel: 1, bytes: Uint8Array.of(1, 2, 3) }),
      encodeSocketFrame({ kind: 'read', channel: 2, count: 65_536 }),
      encodeSocketFrame({ kind: 'message', topic: 'crew.acme.example', bytes: Uint8Array.of(4) }),
    ],
    run: (input) => expectSame(input, encodeSocketFrame(decodeSocketFrame(input))),
    isRefusal: isAgents,
  },
  {
    name: 'signatures',
    seeds: signatures,
    run: (input) => {
      const [key, signature, data] = [
        input.subarray(0, 32),
        input.subarray(32, 96),
        input.subarray(96),
      ]
      if (verifier.verify(key, data, signature) !== true) return
      const isForged = honestKeys.includes(toHex(key)) && !genuine.includes(toHex(input))
      if (isForged) throw new Error('A forgery holds')
    },
    isRefusal: () => false,
  },
  {
    name: 'audit records',
    seeds: [
      encodeRecord(recordOf(1)),
      encodeRecord({ kind: 'gap', at: 5, since: 4, lost: 2, reason: 'no space' }),
    ],
    run: (input) => expectSame(input, encodeRecord(decodeRecord(input))),
    isRefusal: isAudits,
  },
  {
    name: 'signed notes',
    seeds: [utf8Bytes(checkpoint)],
    run: (input) => {
      const text = textOf(input)
      if (formatNote(parseNote(text)) !== text) throw new Error('It is written otherwise')
    },
    isRefusal: isAudits,
  },
  {
    name: 'proofs of records, and requests to witnesses',
    seeds: [
      utf8Bytes(formatProof({ index: 3, record: encodeRecord(recordOf(1)), hashes, checkpoint })),
      utf8Bytes(formatWitnessRequest({ old: 4, hashes, checkpoint })),
    ],
    run: (input) => {
      const text = textOf(input)
      return text.startsWith('old') ? parseWitnessRequest(text) : parseProof(text)
    },
    isRefusal: isAudits,
  },
  {
    name: 'names',
    seeds: vectorLines('names.json', 'name'),
    run: (input) => {
      const text = textOf(input)
      const name = parseName(text)
      // Nothing is repaired in silence.
      if ((name as string) !== text) throw new Error(`Read as ${name}`)
    },
    isRefusal: isNames,
  },
  {
    name: 'names that people type',
    seeds: vectorLines('names.json', 'name'),
    run: (input) => parseName(nameFromUser(textOf(input))),
    isRefusal: isNames,
  },
  {
    name: 'patterns',
    seeds: ['**.acme.example', '*.crew.acme.example', 'w1.xn--mnchen-3ya.example'].map(utf8Bytes),
    run: (input) => parsePattern(textOf(input)),
    isRefusal: isNames,
  },
  {
    name: 'trust stores',
    seeds: [utf8Bytes(anchors)],
    run: (input) => {
      const text = formatAnchors(parseAnchors(textOf(input)))
      if (formatAnchors(parseAnchors(text)) !== text)
        throw new Error('Written and read, it differs')
    },
    isRefusal: isTrust,
  },
  {
    name: 'DNS messages',
    seeds: answers.map((records, index) => message(questions[index]!, records)),
    run: (input) => encodeMessage(decodeMessage(input)),
    isRefusal: isDns,
  },
  {
    name: 'DNSSEC chains',
    seeds: answers.map((records) => encodeChain(records)),
    run: (input) => encodeChain(decodeChain(input)),
    isRefusal: isDns,
  },
  {
    name: 'key records',
    seeds: vectorLines('key-records.json', 'text'),
    run: (input) => {
      const reading = parseKeyRecord(textOf(input))
      if (reading.outcome !== 'record') return
      const text = formatKeyRecord(reading.record)
      const again = parseKeyRecord(text)
      if (again.outcome !== 'record') throw new Error(`Written as ${text}, it is no record`)
    },
    isRefusal: isDns,
  },
  {
    name: 'zone texts',
    seeds: [utf8Bytes(zoneText)],
    run: (input) => parseZone(textOf(input), { origin: ORIGIN }),
    isRefusal: isDns,
  },
]
