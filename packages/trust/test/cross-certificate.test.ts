import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { decode, encode, type Value } from '../src/encoding/index.ts'
import { nobleVerifier } from '../src/keys/index.ts'
import { decodeStatement, isCrossCertificate, verifySignature } from '../src/statement.ts'
import { acme, bind, cross, federation, globex, keyOf, planner, refusal } from './world.ts'

/** The envelope of a genuine cross-certificate with one field of its body replaced. */
async function envelopeWith(index: number, value: Value): Promise<Uint8Array> {
  const { body } = await cross()
  const fields = [...(decode(body) as readonly Value[])]
  fields[index] = value
  return encode([encode(fields), new Uint8Array(64), null])
}

describe('a cross-certificate', () => {
  it('is read as what was issued, and its signature holds', async () => {
    const introduces = [parsePattern('**.members.example')]
    const signed = await cross({ subject: federation, introduces, hops: 1 })
    const read = decodeStatement(signed.envelope)
    expect(read).toEqual(signed)
    expect(isCrossCertificate(read)).toBe(true)
    expect(isCrossCertificate(await bind())).toBe(false)
    expect(await verifySignature(read, nobleVerifier)).toBe(true)
  })

  it('sorts its sets and leaves repeats out', async () => {
    const [a, b] = [parsePattern(`a.${globex}`), parsePattern(`b.${globex}`)]
    const keys = [keyOf('one'), keyOf('two'), keyOf('one')]
    const { statement } = await cross({ names: [b, a, b], subjectKeys: keys, introduces: [b, a] })
    expect(statement).toMatchObject({ names: [a, b], introduces: [a, b] })
    expect(statement.subjectKeys.map((key) => Buffer.from(key).toString('hex'))).toEqual(
      [keyOf('one'), keyOf('two')].map((key) => Buffer.from(key).toString('hex')).toSorted(),
    )
  })

  it('is refused where its subject lies in the slice of its issuer: that is for bindings', async () => {
    await expect(cross({ subject: acme })).rejects.toThrow(refusal('form', 'not outside the slice'))
    await expect(cross({ subject: planner })).rejects.toThrow(refusal('form'))
    await expect(cross({ issuer: planner, subject: acme })).resolves.toBeDefined()
    await expect(cross({ subject: parseName('notacme.example') })).resolves.toBeDefined()
  })

  it('is refused for names that are not at or below its subject', async () => {
    for (const pattern of ['acme.example', '**.example.net', 'notglobex.example']) {
      const names = [parsePattern(pattern)]
      await expect(cross({ names }), pattern).rejects.toThrow(refusal('form', 'not at or below'))
    }
    await expect(cross({ names: [] })).resolves.toBeDefined()
  })

  it('is refused for keys that no signature may be believed under, and for none or five', async () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31))
    await expect(cross({ subjectKeys: [identity] })).rejects.toThrow(refusal('bad-key'))
    await expect(cross({ subjectKeys: [] })).rejects.toThrow(refusal('form'))
    const five = ['1', '2', '3', '4', '5'].map((label) => keyOf(label))
    await expect(cross({ subjectKeys: five })).rejects.toThrow(refusal('form', '4'))
    await expect(cross({ subjectKeys: five.slice(1) })).resolves.toBeDefined()
  })

  it('is refused for hops outside 0 to 3, and for purposes that are not known or none', async () => {
    await expect(cross({ hops: 3 })).resolves.toBeDefined()
    await expect(cross({ hops: 4 })).rejects.toThrow(refusal('form', '3'))
    await expect(cross({ purposes: [] })).rejects.toThrow(refusal('form'))
    const unknown = await envelopeWith(13, ['rule'])
    expect(() => decodeStatement(unknown)).toThrow(refusal('form', 'connect'))
  })

  it('is refused for 33 names or 33 patterns of whom it introduces', async () => {
    const patterns = (count: number) =>
      Array.from({ length: count }, (_, index) => parsePattern(`n${index}.${globex}`))
    await expect(cross({ names: patterns(32), introduces: patterns(32) })).resolves.toBeDefined()
    await expect(cross({ names: patterns(33) })).rejects.toThrow(refusal('form', '32'))
    await expect(cross({ introduces: patterns(33) })).rejects.toThrow(refusal('form', '32'))
  })

  it('is refused for a subject in a pool', async () => {
    const subject = parseName('pool.node1.globex.example')
    await expect(cross({ subject })).rejects.toThrow(refusal('form', 'pool'))
  })
})
