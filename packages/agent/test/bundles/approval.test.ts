import { parseName } from '@ixj/names'
import { decode, encode, sha256, sortedSet, toHex, TrustError, type Value } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeSigner, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { decodeApproval, signApproval, termsOf, type Approved } from '../../src/bundles/approval.ts'
import { decodeHeader, encodeHeader, type Header } from '../../src/bundles/header.ts'
import { holds, signBody } from '../../src/bundles/signed-body.ts'
import { APPROVAL_BYTES_MAX, APPROVAL_MS_MAX, APPROVALS_MAX } from '../../src/limits.ts'

const TIME = 1_795_435_200_000
const SEED = 0x0a99
const verifier = openNodeVerifier()
const [ann, bob] = [2, 3].map((fill) => nodeSigner(new Uint8Array(32).fill(fill)))
const longest = parseName(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`)

const approved: Approved = {
  topic: parseName('valve.acme.example'),
  sender: parseName('planner.acme.example'),
  authority: new Uint8Array(32).fill(0x22),
  messageId: new Uint8Array(16).fill(9),
  digest: new Uint8Array(32).fill(7),
  terms: new Uint8Array(32).fill(5),
  notAfter: TIME + APPROVAL_MS_MAX,
}
const signature = { signer: parseName('ann.acme.example'), time: TIME, nonce: new Uint8Array(16) }

const signed = async (fields: Partial<Approved> = {}, signer = ann!) =>
  signApproval({ ...approved, ...fields }, signature, signer)

/** The code with which an envelope is refused after one of its body's fields was changed. */
async function codeWith(index: number, value: Value): Promise<string> {
  const [body] = decode(await signed()) as Uint8Array[]
  const fields = [...(decode(body!) as Value[])]
  fields[index] = value
  return codeOf(() => decodeApproval(encode([encode(fields), new Uint8Array(64)])))
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'accepted'
  } catch (cause) {
    if (cause instanceof TrustError) return cause.code
    throw cause
  }
}

describe('an approval', () => {
  it('is read as it was signed, in one form only', async () => {
    const ids = fc.record({
      authority: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      messageId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      notAfter: fc.integer({ min: TIME + 1, max: TIME + APPROVAL_MS_MAX }),
    })
    await fc.assert(
      fc.asyncProperty(ids, async (fields) => {
        const envelope = await signed(fields)
        const read = decodeApproval(envelope)
        expect(read).toMatchObject({ ...approved, ...fields })
        expect(read.envelope).toBe(envelope)
        expect(await holds(read.signed, verifier)).toBe(true)
      }),
      { seed: SEED, numRuns: 100 },
    )
  })

  it('fits with three names of 253 bytes', async () => {
    const fields = { topic: longest, sender: longest }
    const envelope = await signApproval(
      { ...approved, ...fields },
      { ...signature, signer: longest },
      ann!,
    )
    expect(envelope.length).toBeLessThanOrEqual(APPROVAL_BYTES_MAX)
    expect(decodeApproval(envelope)).toMatchObject(fields)
  })

  it('ends 1 ms to 5 min after its time, to the millisecond, when signed and when read', async () => {
    for (const ms of [1, APPROVAL_MS_MAX]) {
      expect(await codeWith(12, TIME + ms)).toBe('accepted')
      await expect(signed({ notAfter: TIME + ms })).resolves.toBeInstanceOf(Uint8Array)
    }
    for (const ms of [0, -1, APPROVAL_MS_MAX + 1]) {
      expect(await codeWith(12, TIME + ms)).toBe('form')
      await expect(signed({ notAfter: TIME + ms })).rejects.toMatchObject({ code: 'form' })
    }
  })

  it.each([
    ['another version', 0, 2, 'unsupported'],
    ['another kind', 1, 'offer', 'wrong-kind'],
    ['a signer that is no name', 2, 'Ann', 'name'],
    ['a topic that is no name', 6, 'valve', 'name'],
    ['a sender that is no name', 7, '*.acme.example', 'name'],
    ['no authority', 8, null, 'form'],
    ['a message id of 15 bytes', 9, new Uint8Array(15), 'form'],
    ['a digest that is a text', 10, 'digest', 'form'],
    ['terms of 31 bytes', 11, new Uint8Array(31), 'form'],
  ] as const)('is refused with %s', async (_, index, value, code) => {
    expect(await codeWith(index, value)).toBe(code)
  })

  it('is refused with a field too many, a third part, and past its limit of bytes', async () => {
    const pair = await signBody('approval', signature, [...Array<Value>(8).fill(null)], ann!)
    expect(codeOf(() => decodeApproval(encode([...pair])))).toBe('form')
    expect(codeOf(() => decodeApproval(encode([...pair, null])))).toBe('form')
    const long = encode([new Uint8Array(APPROVAL_BYTES_MAX), pair[1]])
    expect(codeOf(() => decodeApproval(long))).toBe('too-large')
  })
})

describe('termsOf()', () => {
  it('differs with each of action, class, priority and audience', () => {
    const terms = { action: 'publish', class: 'event', priority: 1, audience: null }
    const others = [
      { action: 'request' },
      { class: 'state' },
      { priority: 0 },
      { audience: ['w1.acme.example'] },
    ]
    const all = [{}, ...others].map((change) => toHex(termsOf({ ...terms, ...change }, sha256)))
    expect(new Set(all).size).toBe(5)
  })
})

describe('the approvals of a header', () => {
  const header = async (keys = [ann!, bob!]): Promise<Header> => ({
    topic: approved.topic,
    sender: approved.sender,
    key: ann!.publicKey,
    epoch: 1,
    class: 'event',
    action: 'publish',
    first: 1,
    count: 1,
    sentAt: 2,
    lifespanMs: 10,
    priority: 1,
    authority: approved.authority,
    proof: new Uint8Array(32),
    audience: null,
    approvals: await Promise.all(keys.map(async (key) => decodeApproval(await signed({}, key)))),
    encryption: null,
    digest: approved.digest,
  })
  const sorted = (made: Header): Header => ({
    ...made,
    approvals: sortedSet(made.approvals, (approval) => approval.signed.signerKey),
  })

  it('are read as they were written', async () => {
    const made = sorted(await header())
    expect(made.approvals).toHaveLength(2)
    expect(decodeHeader(encodeHeader(made))).toEqual(made)
  })

  it('are refused in another order, and with two by one key', async () => {
    const made = sorted(await header())
    const turned = { ...made, approvals: made.approvals.toReversed() }
    expect(codeOf(() => decodeHeader(encodeHeader(turned)))).toBe('form')
    const twice = { ...made, approvals: [made.approvals[0]!, made.approvals[0]!] }
    expect(codeOf(() => decodeHeader(encodeHeader(twice)))).toBe('form')
  })

  it('are refused for two messages, without a grant, and in an answer', async () => {
    const made = sorted(await header())
    for (const change of [{ count: 2 }, { authority: null }, { action: 'answer' }] as const) {
      expect(codeOf(() => decodeHeader(encodeHeader({ ...made, ...change })))).toBe('form')
      const without = { ...made, ...change, approvals: [] }
      expect(codeOf(() => decodeHeader(encodeHeader(without)))).toBe('accepted')
    }
  })

  it('are refused past 16, before any of them is read', async () => {
    const made = await header([])
    const fields = decode(encodeHeader(made)) as Value[]
    fields[15] = Array.from({ length: APPROVALS_MAX + 1 }, () => new Uint8Array(0))
    expect(codeOf(() => decodeHeader(encode(fields)))).toBe('form')
  })
})
