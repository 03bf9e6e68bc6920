import { concatBytes, type Sha256, type Signer, utf8Bytes, type Verifier } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import type { SignedCheckpoint } from './checkpoint.ts'
import type { NoteSignature } from './note.ts'
import { isBy, keyIdOf, type NoteKey } from './note-key.ts'

/** Bytes of a cosignature: the time in seconds, 8 bytes, and an Ed25519 signature. */
const COSIGNATURE_BYTES = 8 + 64

/**
 * Signs, as a witness, that no larger checkpoint of this log was seen by now, and that this one
 * follows all that were (C2SP tlog-cosignature). The caller has checked that.
 */
export async function cosign(
  checkpoint: SignedCheckpoint,
  options: {
    /** The witness. */
    readonly name: string
    readonly signer: Signer
    /** Seconds since the Unix epoch. */
    readonly seconds: number
    readonly hash: Sha256
  },
): Promise<NoteSignature> {
  const { name, signer, seconds, hash } = options
  const signature = await signer.sign(cosignedBytes(checkpoint.note.text, seconds))
  const time = new Uint8Array(8)
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds))
  return {
    name,
    keyId: keyIdOf({ name, use: 'cosignature', publicKey: signer.publicKey }, hash),
    signature: concatBytes(time, signature),
  }
}

/**
 * When a witness cosigned a checkpoint, in seconds since the Unix epoch; the latest, if it did so
 * several times.
 * @throws AuditError `unknown-key` if it did not, `bad-signature`
 */
export async function checkCosigned(
  checkpoint: SignedCheckpoint,
  witness: NoteKey,
  options: { readonly verifier: Verifier; readonly hash: Sha256 },
): Promise<number> {
  const tried = `Cannot take checkpoint of ${checkpoint.origin} at size ${checkpoint.size}`
  const { signatures, text } = checkpoint.note
  const times: number[] = []
  for (const signed of signatures) {
    if (!isBy(signed, witness, options.hash)) continue
    const seconds = timeOf(signed)
    const message = cosignedBytes(text, seconds)
    const holds =
      Number.isSafeInteger(seconds) &&
      (await options.verifier.verify(witness.publicKey, message, signed.signature.slice(8)))
    if (!holds) {
      const reason = `the cosignature of ${witness.name} does not hold`
      throw new AuditError('bad-signature', `${tried}: ${reason}`)
    }
    times.push(seconds)
  }
  if (times.length > 0) return Math.max(...times)
  throw new AuditError('unknown-key', `${tried}: ${witness.name} has not cosigned it`)
}

/** NaN for what is no cosignature. */
function timeOf({ signature }: NoteSignature): number {
  if (signature.length !== COSIGNATURE_BYTES) return Number.NaN
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength)
  return Number(view.getBigUint64(0))
}

/** "Two newline terminated lines followed by the whole note body of the cosigned checkpoint." */
function cosignedBytes(text: string, seconds: number): Uint8Array {
  return utf8Bytes(`cosignature/v1\ntime ${seconds}\n${text}`)
}
