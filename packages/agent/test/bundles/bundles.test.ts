import { parseName, parsePattern } from '@ixj/names'
import { nodeSha256, nodeSigner, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { encode, sha256, signingInput, sortedSet, TrustError, type Value } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeApproval, signApproval } from '../../src/bundles/approval.ts'
import { decodeBundle, hasDigest, sealBundle } from '../../src/bundles/bundle.ts'
import {
  decodeHeader,
  encodeHeader,
  LIFESPAN_MS_MAX,
  type Header,
  type MessageClass,
} from '../../src/bundles/header.ts'
import { decodeMessages, encodeMessages, type MessagePart } from '../../src/bundles/message.ts'
import {
  AUDIENCE_MAX,
  BUNDLE_MESSAGES_MAX,
  HEADER_BYTES_MAX,
  MESSAGES_BYTES_MAX,
} from '../../src/limits.ts'
import { Refusal } from '../../src/pipeline/verdicts.ts'

const SEED = 0x1235
const verifier = openNodeVerifier()
const signer = nodeSigner(new Uint8Array(32).fill(1))

/** One message approved by three people. */
const approvalSet = sortedSet(
  await Promise.all(
    [2, 3, 4].map(async (fill) => {
      const approved = {
        topic: parseName('valve.acme.example'),
        sender: parseName('planner.acme.example'),
        authority: new Uint8Array(32),
        messageId: new Uint8Array(16),
        digest: new Uint8Array(32),
        terms: new Uint8Array(32),
        notAfter: 2,
      }
      const signature = {
        signer: parseName('ann.acme.example'),
        time: 1,
        nonce: new Uint8Array(16),
      }
      const envelope = await signApproval(
        approved,
        signature,
        nodeSigner(new Uint8Array(32).fill(fill)),
      )
      return decodeApproval(envelope)
    }),
  ),
  (approval) => approval.signed.signerKey,
)

const names = fc
  .array(fc.constantFrom('a', 'b1', 'crew', 'acme', 'x-y'), { minLength: 2, maxLength: 4 })
  .map((labels) => parseName(labels.join('.')))
const patterns = fc
  .tuple(fc.constantFrom('', '*.', '**.'), names)
  .map(([star, name]) => parsePattern(`${star}${name}`))
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const times = fc.integer({ min: 0, max: 2 ** 48 })

const parts: fc.Arbitrary<MessagePart> = fc.record({
  id: bytesOf(16),
  correlation: fc.option(bytesOf(48)),
  contentType: fc.option(fc.string({ maxLength: 30 })),
  body: fc.uint8Array({ maxLength: 300 }),
})

const headers: fc.Arbitrary<Header> = fc
  .constantFrom<MessageClass>('state', 'event', 'task')
  .chain((messageClass) =>
    fc.record({
      topic: names,
      sender: names,
      key: fc.constant(signer.publicKey),
      epoch: times,
      class: fc.constant(messageClass),
      action: fc.constantFrom('publish', 'request', 'answer'),
      first: fc.integer({ min: 1, max: 2 ** 52 }),
      count:
        messageClass === 'task'
          ? fc.constant(1)
          : fc.oneof(fc.constant(1), fc.integer({ min: 1, max: BUNDLE_MESSAGES_MAX })),
      sentAt: times,
      lifespanMs: fc.integer({ min: 1, max: LIFESPAN_MS_MAX[messageClass] }),
      priority: fc.integer({ min: 0, max: 3 }),
      authority: fc.option(bytesOf(32)),
      proof: bytesOf(32),
      audience: fc.option(
        fc
          .array(patterns, { minLength: 1, maxLength: 8 })
          .map((list) => sortedSet(list, (pattern) => pattern)),
      ),
      approvals: fc.subarray([...approvalSet]),
      encryption: fc.option(
        fc.uint8Array({ minLength: 32, maxLength: 32 }).map((recipient) => ({ recipient })),
      ),
      digest: bytesOf(32),
    }),
  )
  // Approvals are for one message under a grant.
  .map((header) => {
    const { authority, count, action } = header
    const fits = authority !== null && count === 1 && action !== 'answer'
    const approvals = fits && header.encryption === null ? header.approvals : []
    return { ...header, approvals }
  })

const plain: Omit<Header, 'key' | 'digest'> = {
  topic: parseName('crew.acme.example'),
  sender: parseName('planner.acme.example'),
  epoch: 1,
  class: 'event',
  action: 'publish',
  first: 1,
  count: 1,
  sentAt: 2,
  lifespanMs: 10,
  priority: 1,
  authority: null,
  proof: new Uint8Array(32),
  audience: null,
  approvals: [],
  encryption: null,
}

const partWith = (bodyBytes: number): MessagePart => ({
  id: new Uint8Array(16),
  correlation: null,
  contentType: null,
  body: new Uint8Array(bodyBytes),
})

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'accepted'
  } catch (cause) {
    if (cause instanceof TrustError || cause instanceof Refusal) return cause.code
    throw cause
  }
}

describe('a header', () => {
  it('is read as it was written, in one form only', () => {
    fc.assert(
      fc.property(headers, (header) => {
        const bytes = encodeHeader(header)
        expect(decodeHeader(bytes)).toEqual(header)
        expect(encodeHeader(decodeHeader(bytes))).toEqual(bytes)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('is written with 64 names of 50 letters, and not past 4 KiB', () => {
    const audience = Array.from({ length: AUDIENCE_MAX }, (_, index) =>
      parsePattern(`${'w'.repeat(45)}${index + 10}.acme`),
    )
    const full = { ...plain, key: signer.publicKey, digest: new Uint8Array(32), audience }
    const bytes = encodeHeader(full)
    expect(bytes.length).toBeLessThan(HEADER_BYTES_MAX)
    expect(decodeHeader(bytes).audience).toHaveLength(AUDIENCE_MAX)
    const approved = { ...full, approvals: approvalSet }
    expect(codeOf(() => encodeHeader(approved))).toBe('too-large')
    expect(codeOf(() => encodeHeader({ ...approved, audience: null }))).toBe('accepted')
  })

  it('with approvals is of nothing that is sealed: nobody on the way could check them', () => {
    const open = {
      ...plain,
      key: signer.publicKey,
      digest: new Uint8Array(32),
      authority: new Uint8Array(32),
      approvals: approvalSet.slice(0, 1),
    }
    expect(codeOf(() => decodeHeader(encodeHeader(open)))).toBe('accepted')
    const sealed = { ...open, encryption: { recipient: new Uint8Array(32) } }
    expect(codeOf(() => decodeHeader(encodeHeader(sealed)))).toBe('form')
  })
})

/** What a message says, however it is kept. */
function fieldsOf({ id, correlation, contentType, body }: MessagePart): MessagePart {
  return { id, correlation, contentType, body }
}

describe('the messages of a bundle', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 20 }), (list) => {
        const read = decodeMessages(encodeMessages(list), list.length)
        expect(read.map(fieldsOf)).toEqual(list)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('are as many as the header counts, no more and no fewer', () => {
    const bytes = encodeMessages([partWith(1), partWith(1)])
    expect(codeOf(() => decodeMessages(bytes, 2))).toBe('accepted')
    expect(codeOf(() => decodeMessages(bytes, 1))).toBe('form')
    expect(codeOf(() => decodeMessages(bytes, 3))).toBe('form')
  })

  it('are at most 256', () => {
    const list = Array.from({ length: BUNDLE_MESSAGES_MAX + 1 }, () => partWith(1))
    const most = list.slice(1)
    expect(decodeMessages(encodeMessages(most), most.length)).toHaveLength(BUNDLE_MESSAGES_MAX)
    expect(codeOf(() => decodeMessages(encodeMessages(list), list.length))).toBe('form')
  })

  it('are at most 60 KiB', () => {
    const around = encodeMessages([partWith(MESSAGES_BYTES_MAX - 100)]).length
    const room = MESSAGES_BYTES_MAX - around
    const most = partWith(MESSAGES_BYTES_MAX - 100 + room)
    expect(encodeMessages([most])).toHaveLength(MESSAGES_BYTES_MAX)
    expect(codeOf(() => encodeMessages([partWith(most.body.length + 1)]))).toBe('too-large')
  })

  it.each([
    ['an id of 15 bytes', [new Uint8Array(15), null, null, new Uint8Array(1)]],
    [
      'a correlation of 47 bytes',
      [new Uint8Array(16), new Uint8Array(47), null, new Uint8Array(1)],
    ],
    [
      'a content type over 128 bytes',
      [new Uint8Array(16), null, 'x'.repeat(129), new Uint8Array(1)],
    ],
    ['a body that is no bytes', [new Uint8Array(16), null, null, 'text']],
    ['a fifth field', [new Uint8Array(16), null, null, new Uint8Array(1), null]],
  ] as [string, Value[]][])('are refused with %s', (_, message) => {
    expect(codeOf(() => decodeMessages(encode([message]), 1))).toBe('form')
  })
})

describe('a bundle', () => {
  it('is read as it was sealed, and holds', () => {
    return fc.assert(
      fc.asyncProperty(
        headers,
        fc.array(parts, { minLength: 1, maxLength: 5 }),
        async (header, some) => {
          const list = some.slice(0, header.class === 'task' ? 1 : some.length)
          const approvals = list.length === 1 ? header.approvals : []
          const fields = { ...header, count: list.length, approvals }
          const sealed = await sealBundle(fields, encodeMessages(list), {
            signer,
            hash: nodeSha256,
          })
          const read = decodeBundle(sealed.bytes, nodeSha256)
          expect(read).toEqual(sealed)
          expect(decodeBundle(sealed.bytes, sha256).id).toEqual(sealed.id)
          expect(hasDigest(read, nodeSha256)).toBe(true)
        },
      ),
      { seed: SEED, numRuns: 200 },
    )
  })

  it('is not accepted with any one bit of its header, digest or signature changed', async () => {
    const messages = encodeMessages([partWith(3)])
    const sealed = await sealBundle(plain, messages, { signer, hash: nodeSha256 })
    const accepted: number[] = []
    for (let bit = 0; bit < sealed.bytes.length * 8; bit++) {
      const byte = sealed.bytes[bit >> 3]! ^ (1 << (bit & 7))
      const code = codeOf(() => {
        const read = decodeBundle(sealed.bytes.with(bit >> 3, byte), nodeSha256)
        const input = signingInput('bundle', read.headerBytes)
        if (verifier.verify(read.header.key, input, read.signature) !== true) {
          throw new TrustError('bad-signature', 'changed')
        }
        if (!hasDigest(read, nodeSha256)) throw new Refusal('bad-digest', 'changed')
      })
      if (code === 'accepted') accepted.push(bit)
    }
    expect(accepted).toEqual([])
  })

  it('keeps its id whatever its messages say, and not its digest', async () => {
    const sealed = await sealBundle(plain, encodeMessages([partWith(3)]), {
      signer,
      hash: nodeSha256,
    })
    const other = encode([
      sealed.headerBytes,
      encodeMessages([partWith(4)]),
      sealed.signature,
      null,
    ])
    const read = decodeBundle(other, nodeSha256)
    expect(read.idText).toBe(sealed.idText)
    expect(hasDigest(read, nodeSha256)).toBe(false)
  })
})
