import {
  checkCosigned,
  checkProof,
  cosign,
  formatNoteKey,
  formatProof,
  formatSignedCheckpoint,
  formatWitnessRequest,
  inclusionProof,
  keyIdOf,
  type NoteKey,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  parseProof,
  parseWitnessRequest,
  withSignatures,
} from '@ixj/audit'
import {
  nodeSha256 as hash,
  nodeSigner,
  openNodeVerifier,
} from '../../../../test/world/native-keys.ts'
import { sha256, toHex, utf8Bytes, utf8Text } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { codeOf, rejectionOf } from '../code-of.ts'
import { openNote, readCheckpoint, readProof, rootOfPath } from '../independent-log.ts'
import { KEY, makeLog, ORIGIN } from '../made-log.ts'

const verifier = openNodeVerifier()
const trust = { key: KEY, verifier, hash }
const WITNESS = nodeSigner(sha256(utf8Bytes('a witness')))
const WITNESS_KEY: NoteKey = {
  name: 'watch.globex.example',
  use: 'cosignature',
  publicKey: WITNESS.publicKey,
}

// The key and the note of the documentation of golang.org/x/mod/sumdb/note.
const NEUMANN_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const NEUMANN_NOTE =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n\n" +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

// The example of C2SP tlog-cosignature.
const COSIGNED =
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
  '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
  '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n'

describe('parseNote()', () => {
  it('reads the note of the Go documentation, whose signature holds under its key', async () => {
    const key = parseNoteKey(NEUMANN_KEY, hash)
    const { text, signatures } = parseNote(NEUMANN_NOTE)
    const [signature] = signatures
    expect(toHex(signature!.keyId)).toBe(toHex(keyIdOf(key, hash)))
    expect(await verifier.verify(key.publicKey, utf8Bytes(text), signature!.signature)).toBe(true)
  })

  it('reads the checkpoint and the two signatures of the C2SP example', () => {
    const { text, signatures } = parseNote(COSIGNED)
    expect(parseCheckpoint(text)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
    })
    expect(signatures.map(({ name, signature }) => [name, signature.length])).toEqual([
      ['example.com/behind-the-sofa', 64],
      ['witness.example.com/w1', 72],
    ])
  })

  it.each([
    ['no empty line', NEUMANN_NOTE.replace('\n\n', '\n')],
    ['no last newline', NEUMANN_NOTE.slice(0, -1)],
    ['a control character', NEUMANN_NOTE.replace('you', 'y\tu')],
    ['a hyphen for the dash', NEUMANN_NOTE.replace('—', '-')],
    ['a key name with a plus', NEUMANN_NOTE.replace('— PeterNeumann', '— Peter+Neumann')],
    ['base64 without padding', NEUMANN_NOTE.replace('nAM=', 'nAM')],
    ['no signature', NEUMANN_NOTE.slice(0, NEUMANN_NOTE.indexOf('—'))],
  ])('refuses %s', (_, note) => {
    expect(codeOf(() => parseNote(note))).toBe('form')
  })

  it('takes as many signatures as its limit, and refuses one more', () => {
    const line = NEUMANN_NOTE.slice(NEUMANN_NOTE.indexOf('—'))
    expect(parseNote(NEUMANN_NOTE + line.repeat(63)).signatures.length).toBe(64)
    expect(codeOf(() => parseNote(NEUMANN_NOTE + line.repeat(64)))).toBe('too-large')
  })
})

describe('parseNoteKey()', () => {
  it('reads what formatNoteKey() writes', () => {
    expect(formatNoteKey(parseNoteKey(NEUMANN_KEY, hash), hash)).toBe(NEUMANN_KEY)
    const written = formatNoteKey(WITNESS_KEY, hash)
    expect(parseNoteKey(written, hash)).toEqual(WITNESS_KEY)
  })

  it('refuses an id that is not that of its key, and a key of another kind', () => {
    expect(codeOf(() => parseNoteKey(NEUMANN_KEY.replace('c74f', 'c74e'), hash))).toBe('form')
    expect(codeOf(() => parseNoteKey(NEUMANN_KEY.replace('+AR', '+AB'), hash))).toBe('form')
  })
})

describe('parseCheckpoint()', () => {
  const text = parseNote(COSIGNED).text
  it.each([
    ['a leading zero', text.replace('2085', '02085')],
    ['a sign', text.replace('2085', '+2085')],
    ['a size beyond 2^53', text.replace('20852163', '9007199254740992')],
    ['a short root', text.replace('CsUYapGGPo4d', 'CsUYapGG')],
    ['an empty line', text.replace('\n', '\n\n')],
    ['an empty origin', `\n${text}`],
  ])('refuses %s', (_, wrong) => {
    expect(codeOf(() => parseCheckpoint(wrong))).toBe('form')
  })

  it('passes over extension lines', () => {
    expect(parseCheckpoint(`${text}more\n`).size).toBe(20_852_163)
  })
})

describe('signCheckpoint()', () => {
  it('signs what a second implementation of the C2SP forms verifies', async () => {
    const { checkpoints, records } = await makeLog(21, { checkpointsAt: [21] })
    const note = formatSignedCheckpoint(checkpoints[0]!)
    const text = openNote(note, ORIGIN, Buffer.from(KEY.publicKey), 1)
    const head = readCheckpoint(text)
    expect(head).toMatchObject({ origin: ORIGIN, size: records.length })
    expect(head.root).toEqual(Buffer.from(checkpoints[0]!.root))
  })
})

describe('openCheckpoint()', () => {
  it('takes what the trusted key signed', async () => {
    const { checkpoints } = await makeLog(3, { checkpointsAt: [3] })
    const opened = await openCheckpoint(formatSignedCheckpoint(checkpoints[0]!), trust)
    expect(opened).toEqual(checkpoints[0])
  })

  it('refuses another log, another key, and a changed size', async () => {
    const { checkpointBytes } = await makeLog(3, { checkpointsAt: [3] })
    const note = utf8Text(checkpointBytes)
    const other = { ...KEY, publicKey: WITNESS.publicKey }
    expect([
      await rejectionOf(openCheckpoint(note, { ...trust, key: { ...KEY, name: 'other' } })),
      await rejectionOf(openCheckpoint(note, { ...trust, key: other })),
      await rejectionOf(openCheckpoint(note.replace('\n3\n', '\n4\n'), trust)),
    ]).toEqual(['wrong-origin', 'unknown-key', 'bad-signature'])
  })
})

describe('cosign()', () => {
  const cosigned = async () => {
    const { checkpoints } = await makeLog(3, { checkpointsAt: [3] })
    const options = { name: WITNESS_KEY.name, signer: WITNESS, seconds: 1_800_000_000, hash }
    return withSignatures(checkpoints[0]!, [await cosign(checkpoints[0]!, options)])
  }

  it('tells when the witness signed, here and in a second implementation', async () => {
    const checkpoint = await cosigned()
    expect(await checkCosigned(checkpoint, WITNESS_KEY, trust)).toBe(1_800_000_000)
    const note = formatSignedCheckpoint(checkpoint)
    expect(openNote(note, WITNESS_KEY.name, Buffer.from(WITNESS.publicKey), 4)).toBe(
      checkpoint.note.text,
    )
    // The log's own signature is still there, and still holds.
    expect((await openCheckpoint(note, trust)).size).toBe(3)
  })

  it('counts for that witness alone, and not at another time', async () => {
    const checkpoint = await cosigned()
    const other = { ...WITNESS_KEY, publicKey: KEY.publicKey }
    expect(await rejectionOf(checkCosigned(checkpoint, other, trust))).toBe('unknown-key')
    const [own, witness] = checkpoint.note.signatures
    const later = witness!.signature.slice()
    later[7]! += 1
    const signatures = [own!, { ...witness!, signature: later }]
    const moved = { ...checkpoint, note: { ...checkpoint.note, signatures } }
    expect(await rejectionOf(checkCosigned(moved, WITNESS_KEY, trust))).toBe('bad-signature')
  })
})

describe('checkProof()', () => {
  it('proves each record of a log, here and in a second implementation', async () => {
    const size = 11
    const { checkpoints, leaves, records } = await makeLog(size, { checkpointsAt: [size] })
    const checkpoint = formatSignedCheckpoint(checkpoints[0]!)
    for (const [index, record] of records.entries()) {
      const hashes = inclusionProof(leaves, { index, size, hash })
      const text = formatProof({ index, record, hashes, checkpoint })
      const proven = await checkProof(parseProof(text), trust)
      expect(proven.size).toBe(size)
      const other = readProof(text)
      const head = readCheckpoint(openNote(other.checkpoint, ORIGIN, Buffer.from(KEY.publicKey), 1))
      const leaf = Buffer.from(sha256(Buffer.concat([Buffer.of(0), other.record])))
      expect(rootOfPath(other.index, head.size, leaf, other.path)).toEqual(head.root)
    }
  })

  it('refuses another record', async () => {
    const { checkpoints, leaves, records } = await makeLog(5, { checkpointsAt: [5] })
    const checkpoint = formatSignedCheckpoint(checkpoints[0]!)
    const hashes = inclusionProof(leaves, { index: 2, size: 5, hash })
    const proof = { index: 2, record: records[3]!, hashes, checkpoint }
    expect(await rejectionOf(checkProof(proof, trust))).toBe('not-proven')
  })
})

describe('parseWitnessRequest()', () => {
  it('reads what formatWitnessRequest() writes', () => {
    const request = {
      old: 7,
      hashes: [new Uint8Array(32), hash(utf8Bytes('x'))],
      checkpoint: COSIGNED,
    }
    expect(parseWitnessRequest(formatWitnessRequest(request))).toEqual(request)
    expect(codeOf(() => parseWitnessRequest(COSIGNED))).toBe('form')
  })
})
