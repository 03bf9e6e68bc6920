import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { decode, encode, type Value } from '../src/encoding/index.ts'
import { nobleVerifier } from '../src/keys/index.ts'
import { idOf } from '../src/signing.ts'
import { issueStatement } from '../src/issue-statement.ts'
import { decodeStatement, isBinding, isGrant, verifySignature } from '../src/statement.ts'
import {
  acme,
  bind,
  bindingFieldsOf,
  crew,
  globex,
  grant,
  grantFieldsOf,
  keyOf,
  NOW,
  planner,
  refusal,
  signerOf,
} from './world.ts'

/** The envelope of a body of these fields, under a signature of zeros. */
function envelopeOf(body: Value, rest: readonly Value[] = [new Uint8Array(64), null]): Uint8Array {
  return encode([encode(body), ...rest])
}

/** The fields of a statement's body, with one of them replaced. */
function bodyWith(body: Uint8Array, index: number, value: Value): Value[] {
  const fields = [...(decode(body) as readonly Value[])]
  fields[index] = value
  return fields
}

describe('issueStatement()', () => {
  it('makes what decodeStatement() reads as the same', async () => {
    for (const signed of [
      await bind(),
      await grant({ mayDelegate: [parsePattern(`*.${acme}`)] }),
    ]) {
      const read = decodeStatement(signed.envelope)
      expect(read).toEqual(signed)
      expect(await verifySignature(read, nobleVerifier)).toBe(true)
      expect(read.id).toEqual(idOf(signed.statement.kind, signed.body))
    }
  })

  it('sorts sets and leaves repeats out', async () => {
    const [a, b] = [parsePattern(`a.${crew}`), parsePattern(`b.${crew}`)]
    const signed = await grant({
      actions: ['request', 'publish', 'request'],
      topics: [b, a, b],
      mayDelegate: [b, a],
      conditions: [
        ['maxPriority', 2],
        ['approvals', [1, [planner, crew]]],
      ],
    })
    expect(signed.statement).toMatchObject({
      actions: ['publish', 'request'],
      topics: [a, b],
      mayDelegate: [a, b],
      conditions: [
        ['approvals', [1, [crew, planner]]],
        ['maxPriority', 2],
      ],
    })
  })

  it('gives one statement signed by two keys of its issuer two ids', async () => {
    const fields = bindingFieldsOf()
    const one = await issueStatement(fields, signerOf(acme))
    const other = await issueStatement(fields, signerOf('second key'))
    expect(one.idText).not.toBe(other.idText)
  })

  it('refuses a signer that gives no 64 bytes', async () => {
    const signer = { publicKey: keyOf(acme), sign: () => new Uint8Array(63) }
    await expect(issueStatement(bindingFieldsOf(), signer)).rejects.toThrow(refusal('form'))
  })

  it('refuses before it signs', async () => {
    let calls = 0
    const signer = { publicKey: keyOf(acme), sign: () => new Uint8Array(64 + calls++) }
    await expect(issueStatement(bindingFieldsOf({ name: acme }), signer)).rejects.toThrow(
      refusal('not-below'),
    )
    expect(calls).toBe(0)
  })

  it('refuses an envelope above 4 KiB', async () => {
    const long = (index: number) =>
      parsePattern(`${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.n${index}.${crew}`)
    const topics = Array.from({ length: 20 }, (_, index) => long(index))
    await expect(grant({ topics })).rejects.toThrow(refusal('too-large', '4096'))
  })
})

describe('decodeStatement()', () => {
  it('shares no memory with the envelope that it was given', async () => {
    const signed = await bind()
    const buffer = Uint8Array.from(signed.envelope)
    const read = decodeStatement(buffer)
    buffer.fill(0)
    expect(read).toEqual(signed)
  })

  it('gives a copy with another signature the same id', async () => {
    const signed = await grant()
    const other = decodeStatement(encode([signed.body, new Uint8Array(64), null]))
    expect(other.idText).toBe(signed.idText)
    expect(await verifySignature(other, nobleVerifier)).toBe(false)
  })

  it('refuses what is not supported yet, each as such', async () => {
    const { body } = await bind()
    const later = bodyWith(body, 0, 2)
    expect(() => decodeStatement(envelopeOf(later))).toThrow(refusal('unsupported', 'version 2'))
    for (const kind of ['statement-tree', 'bundle', 'decree']) {
      expect(() => decodeStatement(envelopeOf([1, kind]))).toThrow(refusal('unsupported', kind))
    }
  })

  it('refuses other shapes of the envelope', async () => {
    const { body, signature } = await bind()
    const form = refusal('form')
    expect(() => decodeStatement(encode([body, signature]))).toThrow(form)
    expect(() => decodeStatement(encode([body, signature, null, null]))).toThrow(form)
    expect(() => decodeStatement(encode([body, signature.subarray(1), null]))).toThrow(form)
    expect(() => decodeStatement(encode(['body', signature, null]))).toThrow(form)
    expect(() => decodeStatement(encode(null))).toThrow(form)
    expect(() => decodeStatement(envelopeOf([]))).toThrow(form)
    expect(() => decodeStatement(envelopeOf(['1', 'binding']))).toThrow(form)
    expect(() => decodeStatement(envelopeOf([1]))).toThrow(form)
    expect(() => decodeStatement(Uint8Array.of(0xc1))).toThrow(refusal('encoding'))
    const padded = new Uint8Array(4_097)
    expect(() => decodeStatement(padded)).toThrow(refusal('too-large'))
  })

  it('refuses a body that is encoded in another than the one way', async () => {
    const { body, signature } = await bind()
    // The version 1 as uint8: the same value, other bytes, another id.
    const loose = Uint8Array.of(body[0]!, 0xcc, 1, ...body.subarray(2))
    expect(() => decodeStatement(encode([loose, signature, null]))).toThrow(refusal('encoding'))
  })

  it('refuses a field more, a field less, and any field of another type', async () => {
    for (const { body } of [await bind(), await grant()]) {
      const fields = decode(body) as readonly Value[]
      expect(() => decodeStatement(envelopeOf([...fields, null]))).toThrow(refusal('form'))
      expect(() => decodeStatement(envelopeOf(fields.slice(0, -1)))).toThrow(refusal('form'))
      for (const index of fields.keys()) {
        const bad = envelopeOf(bodyWith(body, index, -7))
        expect(() => decodeStatement(bad), `field ${index}`).toThrow(
          refusal(index === 0 ? 'unsupported' : 'form'),
        )
      }
    }
  })

  it('refuses times that do not begin before they end', async () => {
    await expect(bind({ notBefore: NOW, notAfter: NOW })).rejects.toThrow(refusal('form'))
    await expect(grant({ notBefore: NOW + 1, notAfter: NOW })).rejects.toThrow(refusal('form'))
    await expect(grant({ notBefore: -1 })).rejects.toThrow(refusal('form'))
    await expect(grant({ notBefore: NOW, notAfter: NOW + 1 })).resolves.toBeDefined()
  })

  it('refuses names and patterns that are not canonical', async () => {
    const { body } = await bind()
    const upper = envelopeOf(bodyWith(body, 2, 'ACME.example'))
    expect(() => decodeStatement(upper)).toThrow(refusal('name', 'issuer of binding'))
    const { body: grantBody } = await grant()
    const inner = envelopeOf(bodyWith(grantBody, 8, 'a.*.acme.example'))
    expect(() => decodeStatement(inner)).toThrow(refusal('name', 'subject of grant'))
  })
})

describe('a binding', () => {
  it('is refused for its issuer, a name above, beside or elsewhere', async () => {
    for (const text of [
      'planner.acme.example',
      'acme.example',
      'b.acme.example',
      'xplanner.acme.example',
    ]) {
      const fields = { issuer: planner, name: parseName(text) }
      await expect(bind(fields), text).rejects.toThrow(refusal('not-below'))
    }
    await expect(bind({ issuer: globex })).rejects.toThrow(refusal('not-below'))
    await expect(bind({ name: parseName('a.b.acme.example') })).resolves.toBeDefined()
  })

  it('is refused for keys that no signature may be believed under', async () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31))
    await expect(bind({ key: identity })).rejects.toThrow(refusal('bad-key', 'small order'))
    await expect(bind({ key: new Uint8Array(32).fill(255) })).rejects.toThrow(refusal('bad-key'))
    await expect(bind({ key: new Uint8Array(31) })).rejects.toThrow(refusal('form'))
    await expect(bind({ encryptionKey: new Uint8Array(31) })).rejects.toThrow(refusal('form'))
    await expect(bind({ encryptionKey: new Uint8Array(32).fill(9) })).resolves.toBeDefined()
  })

  it('is refused for a depth outside 0 to 16', async () => {
    await expect(bind({ depth: 16 })).resolves.toBeDefined()
    await expect(bind({ depth: 17 })).rejects.toThrow(refusal('form', '16'))
    await expect(bind({ depth: -1 })).rejects.toThrow(refusal('form'))
  })

  it('is of a whole pool under the label "pool", and of nothing else there', async () => {
    const node = parseName('node1.acme.example')
    const pool = { name: parseName(`pool.${node}`), uses: 'sign', depth: 0 } as const
    const signed = await bind(pool)
    expect((decode(signed.body) as readonly Value[])[7]).toBe(`**.pool.${node}`)
    expect(decodeStatement(signed.envelope)).toEqual(signed)
    const spelled = (name: string) => () =>
      decodeStatement(envelopeOf(bodyWith(signed.body, 7, name)))
    for (const name of [
      `pool.${node}`,
      `a.pool.${node}`,
      `**.pool.a.pool.${node}`,
      `**.pool.pool.${node}`,
      '**.pool.example',
    ]) {
      expect(spelled(name)).toThrow(refusal('form'))
    }
    for (const name of [`*.pool.${node}`, `**.a.pool.${node}`, `**.pools.${node}`]) {
      expect(spelled(name)).toThrow(refusal('name'))
    }
    await expect(bind({ name: parseName('pools.acme.example') })).resolves.toBeDefined()
  })

  it('of a pool has the use sign, the depth 0 and no encryption key', async () => {
    const pool = { name: parseName('pool.node1.acme.example'), uses: 'sign', depth: 0 } as const
    for (const changes of [
      { uses: 'bind' },
      { uses: 'both' },
      { depth: 1 },
      { encryptionKey: new Uint8Array(32) },
    ] as const) {
      await expect(bind({ ...pool, ...changes })).rejects.toThrow(refusal('form'))
    }
  })
})

describe('a grant', () => {
  it('is refused for an action that is not known', async () => {
    const { body } = await grant()
    const unknown = envelopeOf(bodyWith(body, 10, ['obey']))
    expect(() => decodeStatement(unknown)).toThrow(refusal('unsupported', 'obey'))
  })

  it('is refused for sets that are unsorted, repeated or empty', async () => {
    const { body } = await grant()
    const sets: readonly (readonly [number, readonly Value[]])[] = [
      [10, ['publish', 'request']],
      [11, [`a.${crew}`, `b.${crew}`]],
      [
        12,
        [
          ['bytesPerMessage', 1],
          ['maxPriority', 1],
        ],
      ],
      [13, [`a.${crew}`, `b.${crew}`]],
    ]
    for (const [index, [first, second]] of sets) {
      const read = (...items: Value[]) => decodeStatement(envelopeOf(bodyWith(body, index, items)))
      expect(isGrant(read(first!, second!))).toBe(true)
      expect(() => read(second!, first!)).toThrow(refusal('form'))
      expect(() => read(first!, first!)).toThrow(refusal('form'))
    }
    for (const index of [10, 11, 13]) {
      expect(() => decodeStatement(envelopeOf(bodyWith(body, index, [])))).toThrow(refusal('form'))
    }
    expect(isGrant(decodeStatement(envelopeOf(bodyWith(body, 12, []))))).toBe(true)
  })

  it('is refused for more than 32 topics, 32 delegates or 16 conditions', async () => {
    const patterns = (count: number) =>
      Array.from({ length: count }, (_, index) => parsePattern(`n${index}.${crew}`))
    const conditions = (count: number) =>
      Array.from({ length: count }, (_, index) => [`new-${index}`, true] as const)
    await expect(grant({ topics: patterns(32), mayDelegate: patterns(32) })).resolves.toBeDefined()
    await expect(grant({ topics: patterns(33) })).rejects.toThrow(refusal('form', '32'))
    await expect(grant({ mayDelegate: patterns(33) })).rejects.toThrow(refusal('form', '32'))
    await expect(grant({ conditions: conditions(16) })).resolves.toBeDefined()
    await expect(grant({ conditions: conditions(17) })).rejects.toThrow(refusal('form', '16'))
  })

  it('takes exact names only for host and speak', async () => {
    const wide = [parsePattern(`*.${crew}`), parsePattern(crew)]
    for (const action of ['host', 'speak'] as const) {
      const exact = grant({ actions: [action, 'log'], topics: [parsePattern(crew)] })
      await expect(exact).resolves.toBeDefined()
      const open = grant({ actions: [action, 'log'], topics: wide })
      await expect(open).rejects.toThrow(refusal('form', action))
    }
    await expect(grant({ actions: ['log'], topics: wide })).resolves.toBeDefined()
  })
})

describe('verifySignature()', () => {
  it('fails for another body, another kind and another key', async () => {
    const signed = await grant()
    const forged = decodeStatement(
      encode([encode(bodyWith(signed.body, 5, NOW + 1_000_000)), signed.signature, null]),
    )
    expect(await verifySignature(forged, nobleVerifier)).toBe(false)
    const binding = await bind()
    const otherKind = { ...signed, body: binding.body, signature: binding.signature }
    expect(await verifySignature(otherKind, nobleVerifier)).toBe(false)
    const stranger = await issueStatement(grantFieldsOf(), {
      publicKey: keyOf(crew),
      sign: (data) => signerOf('stranger').sign(data),
    })
    expect(await verifySignature(stranger, nobleVerifier)).toBe(false)
  })
})

describe('isBinding() and isGrant()', () => {
  it('tell one from the other', async () => {
    const [binding, root] = [await bind(), await grant()]
    expect([isBinding(binding), isGrant(binding)]).toEqual([true, false])
    expect([isBinding(root), isGrant(root)]).toEqual([false, true])
  })
})
