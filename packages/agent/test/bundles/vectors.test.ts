import { readFileSync } from 'node:fs'
import { parseName, parsePattern } from '@ixj/names'
import { trustBooks } from '../../../../test/world/trust-books.ts'
import { nodeSha256, nodeSigner, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import {
  decode,
  decodeStatement,
  fromHex,
  signingInput,
  toHex,
  type Value,
  VerifiedTrees,
} from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { decodeApproval, signApproval } from '../../src/bundles/approval.ts'
import {
  decodeBundle,
  hasDigest,
  holdsSignature,
  prepareBundle,
  sealBundle,
  signBundles,
} from '../../src/bundles/bundle.ts'
import type { BundleAction, MessageClass } from '../../src/bundles/header.ts'
import { decodeMessages, encodeMessages } from '../../src/bundles/message.ts'
import { holds, readSignedBody } from '../../src/bundles/signed-body.ts'
import { decodeFrame, encodeFrame } from '../../src/neighbours/frames.ts'
import { initiateHello } from '../../src/neighbours/hello.ts'
import { ZoneKeyBook } from '../../src/neighbours/zone-keys.ts'
import { makeOffer } from '../../src/patterns/naming.ts'
import { decodeAnnouncement, sealAnnouncement } from '../../src/presence/announcement.ts'
import type { Channel } from '../../src/transport.ts'

interface PartVector {
  readonly id: string
  readonly correlation: string | null
  readonly contentType: string | null
  readonly body: string
}

interface BundleVector {
  readonly description: string
  readonly fields: {
    readonly topic: string
    readonly sender: string
    readonly epoch: number
    readonly class: MessageClass
    readonly action: BundleAction
    readonly first: number
    readonly sentAt: number
    readonly lifespanMs: number
    readonly priority: number
    readonly authority: string | null
    readonly proof: string
    readonly audience: readonly string[] | null
    readonly approvals?: readonly string[]
  }
  readonly parts: readonly PartVector[]
  readonly id: string
  readonly bytes: string
}

interface ApprovalVector {
  readonly seed: string
  readonly signer: string
  readonly time: number
  readonly nonce: string
  readonly topic: string
  readonly sender: string
  readonly authority: string
  readonly messageId: string
  readonly digest: string
  readonly terms: string
  readonly notAfter: number
  readonly envelope: string
}

interface MemberVector {
  readonly agent: string
  readonly agentKey: string
  readonly since: number
  readonly proof: string
  readonly subscribe: string | null
  readonly answer: string | null
  readonly host: string | null
}

interface Vectors {
  readonly seed: string
  readonly bundles: readonly BundleVector[]
  readonly approvals: readonly ApprovalVector[]
  readonly presence: {
    readonly node: string
    readonly topic: string
    readonly time: number
    readonly nonce: string
    readonly proof: string
    readonly members: readonly MemberVector[]
    readonly heads: readonly (readonly [string, string, number, number])[]
    readonly echoes: readonly { readonly nonce: string; readonly heldMs: number }[]
    readonly bytes: string
  }
  readonly hello: Readonly<Record<string, string>> & { readonly time: number }
  readonly offer: {
    readonly name: string
    readonly node: string
    readonly time: number
    readonly nonce: string
    readonly body: string
    readonly signature: string
  }
  readonly frames: readonly { readonly description: string; readonly bytes: string }[]
}

const file = new URL('../../../../test/vectors/bundles.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const treesFile = new URL('../../../../test/vectors/trees.json', import.meta.url)
const together = JSON.parse(readFileSync(treesFile, 'utf8')) as {
  readonly bundles: readonly { readonly bytes: string }[]
}
const verifier = openNodeVerifier()
const signer = nodeSigner(fromHex(vectors.seed))
const optional = (hex: string | null) => (hex === null ? null : fromHex(hex))

describe('the vectors of bundles', () => {
  it.each(vectors.bundles)('$description: read, verified and sealed again', async (vector) => {
    const { fields } = vector
    const bytes = fromHex(vector.bytes)
    const bundle = decodeBundle(bytes, nodeSha256)
    expect(bundle.idText).toBe(vector.id)
    expect(hasDigest(bundle, nodeSha256)).toBe(true)
    const input = signingInput('bundle', bundle.headerBytes)
    expect(await verifier.verify(bundle.header.key, input, bundle.signature)).toBe(true)
    const parts = vector.parts.map((part) => ({
      ...part,
      id: fromHex(part.id),
      correlation: optional(part.correlation),
      body: fromHex(part.body),
    }))
    const read = decodeMessages(bundle.messagesBytes, parts.length)
    const said = read.map(({ id, correlation, contentType, body }) => {
      return { id, correlation, contentType, body }
    })
    expect(said).toEqual(parts)
    const header = {
      ...fields,
      topic: parseName(fields.topic),
      sender: parseName(fields.sender),
      count: parts.length,
      authority: optional(fields.authority),
      proof: fromHex(fields.proof),
      audience: fields.audience?.map((text) => parsePattern(text)) ?? null,
      approvals: (fields.approvals ?? []).map((hex) => decodeApproval(fromHex(hex))),
      encryption: null,
    }
    const sealed = await sealBundle(header, encodeMessages(parts), { signer, hash: nodeSha256 })
    expect(toHex(sealed.bytes)).toBe(vector.bytes)
    expect(sealed).toEqual(bundle)
  })
})

describe('the vectors of bundles under one signature', () => {
  it('are read and verified by one check, and sealed again', async () => {
    const trees = new VerifiedTrees('bundle-tree')
    let checks = 0
    const counting = {
      verify: (...asked: Parameters<typeof verifier.verify>) => {
        checks += 1
        return verifier.verify(...asked)
      },
    }
    const read = together.bundles.map(({ bytes }) => decodeBundle(fromHex(bytes), nodeSha256))
    expect(read.map(({ idText }) => idText)).toEqual(vectors.bundles.map(({ id }) => id))
    for (const bundle of read) {
      expect(await holdsSignature(bundle, { verifier: counting, trees })).toBe(true)
    }
    expect(checks).toBe(1)
    const how = { key: signer.publicKey, hash: nodeSha256 }
    const unsigned = read.map((each) => prepareBundle(each.header, each.messagesBytes, how))
    expect(await signBundles(unsigned, { signer, hash: nodeSha256 })).toEqual(read)
  })
})

describe('the vectors of approvals', () => {
  it.each(vectors.approvals)('$signer: read, verified and signed again', async (vector) => {
    const read = decodeApproval(fromHex(vector.envelope))
    expect(await holds(read.signed, verifier)).toBe(true)
    const approved = {
      topic: parseName(vector.topic),
      sender: parseName(vector.sender),
      authority: fromHex(vector.authority),
      messageId: fromHex(vector.messageId),
      digest: fromHex(vector.digest),
      terms: fromHex(vector.terms),
      notAfter: vector.notAfter,
    }
    expect(read).toMatchObject(approved)
    const { time, nonce } = vector
    const signature = { signer: parseName(vector.signer), time, nonce: fromHex(nonce) }
    const again = await signApproval(approved, signature, nodeSigner(fromHex(vector.seed)))
    expect(toHex(again)).toBe(vector.envelope)
  })
})

describe('the vector of presence', () => {
  it('is read, verified and sealed again', async () => {
    const { node, topic, time, nonce, proof, members, bytes } = vectors.presence
    const echoes = vectors.presence.echoes.map((echo) => ({ ...echo, nonce: fromHex(echo.nonce) }))
    const present = members.map((member) => ({
      agent: parseName(member.agent),
      agentKey: fromHex(member.agentKey),
      since: member.since,
      proof: fromHex(member.proof),
      subscribe: optional(member.subscribe),
      answer: optional(member.answer),
      host: optional(member.host),
    }))
    const read = decodeAnnouncement(fromHex(bytes))
    const heads = vectors.presence.heads.map(([key, , epoch, next]) => ({
      key: fromHex(key),
      class: 'event' as const,
      epoch,
      next,
    }))
    expect(read).toMatchObject({ topic, members: present, proof: fromHex(proof), heads, echoes })
    expect(await holds(read.signed, verifier)).toBe(true)
    const sealed = await sealAnnouncement(
      {
        node: parseName(node),
        topic: parseName(topic),
        proof: fromHex(proof),
        members: present,
        heads,
        echoes,
      },
      { signer, now: time, random: () => fromHex(nonce) },
    )
    expect(toHex(sealed)).toBe(bytes)
  })
})

describe('the vector of hello', () => {
  it('is what an initiator says to this challenge', async () => {
    const { hello } = vectors
    const text = (key: string) => hello[key] ?? ''
    const sent: string[] = []
    // The responder's side of a recorded channel: its challenge, and then its end.
    const channel: Channel = {
      send: async (frame) => void sent.push(toHex(frame)),
      frames: async function* () {
        yield fromHex(text('challenge'))
      },
      close: async () => {},
    }
    const randoms = [fromHex(text('initiatorNonce')), fromHex(text('nonce'))]
    const ends = { initiator: text('initiatorPeer'), responder: text('responderPeer') }
    const saying = initiateHello(channel, ends, {
      name: parseName(text('initiatorName')),
      signer,
      clock: { now: () => hello.time, at: () => () => {} },
      random: () => randoms.shift()!,
      verifier,
      ...trustBooks([], { clock: { now: () => hello.time, at: () => () => {} }, verifier }),
      organisation: parseName(text('initiatorName')),
      proof: () => ({ bytes: fromHex('94909090c0'), envelopes: [], statuses: [] }),
      zoneKeys: new ZoneKeyBook(undefined, { now: () => 0, at: () => () => {} }, nodeSha256),
      hash: nodeSha256,
      measured: () => {},
      keep: async (envelope) => decodeStatement(envelope),
    })
    await expect(saying).rejects.toMatchObject({ code: 'hello' })
    expect(sent).toEqual([text('open'), text('prove')])
  })

  it('is verified', async () => {
    const { body, signature } = vectors.hello
    const pair = [fromHex(body ?? ''), fromHex(signature ?? '')]
    const read = readSignedBody('hello', pair, { fields: 7, bytesMax: 4_096 })
    expect(await holds(read, verifier)).toBe(true)
  })
})

describe('the vector of an offer', () => {
  it('is read, verified and made again', async () => {
    const { name, node, time, nonce, body, signature } = vectors.offer
    const pair = [fromHex(body), fromHex(signature)]
    const read = readSignedBody('offer', pair, { fields: 1, bytesMax: 2_048 })
    expect(read).toMatchObject({ signer: name, time, fields: [node] })
    expect(await holds(read, verifier)).toBe(true)
    const made = await makeOffer(
      { name: parseName(name), node: parseName(node), signer },
      {
        clock: { now: () => time, at: () => () => {} },
        random: () => fromHex(nonce),
        hash: nodeSha256,
      },
    )
    expect((made as Uint8Array[]).map((part) => toHex(part))).toEqual([body, signature])
  })
})

describe('the vectors of frames', () => {
  it.each(vectors.frames)('$description: read and written again', ({ bytes }) => {
    expect(toHex(encodeFrame(decodeFrame(fromHex(bytes))))).toBe(bytes)
    expect((decode(fromHex(bytes)) as readonly Value[])[0]).toBe(1)
  })
})
