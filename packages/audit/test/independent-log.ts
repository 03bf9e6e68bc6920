// A second implementation, from the texts of C2SP signed-note, tlog-checkpoint, tlog-cosignature,
// tlog-proof and RFC 6962 section 2.1 alone: nothing of the packages is imported here.
import { createHash, createPublicKey, verify } from 'node:crypto'

const sha256 = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest()

/** MTH of RFC 6962 section 2.1, by its recursive definition. */
export function treeHash(entries: readonly Buffer[]): Buffer {
  if (entries.length === 0) return sha256()
  if (entries.length === 1) return sha256(Buffer.of(0), entries[0]!)
  const k = 2 ** (Math.ceil(Math.log2(entries.length)) - 1)
  return sha256(Buffer.of(1), treeHash(entries.slice(0, k)), treeHash(entries.slice(k)))
}

/** The root that an audit path leads to, by undoing PATH of RFC 6962 section 2.1.1. */
export function rootOfPath(m: number, n: number, leaf: Buffer, path: readonly Buffer[]): Buffer {
  if (n === 1) {
    if (path.length > 0) throw new Error('too long')
    return leaf
  }
  const k = 2 ** (Math.ceil(Math.log2(n)) - 1)
  const sibling = path.at(-1)
  if (sibling === undefined) throw new Error('too short')
  const rest = path.slice(0, -1)
  return m < k
    ? sha256(Buffer.of(1), rootOfPath(m, k, leaf, rest), sibling)
    : sha256(Buffer.of(1), sibling, rootOfPath(m - k, n - k, leaf, rest))
}

/** Both roots that a consistency proof leads to, by undoing SUBPROOF of section 2.1.2. */
export function rootsOfProof(
  m: number,
  n: number,
  oldRoot: Buffer,
  proof: readonly Buffer[],
): { readonly old: Buffer; readonly new: Buffer } {
  const descend = (
    of: { m: number; n: number; whole: boolean },
    left: readonly Buffer[],
  ): { old: Buffer; new: Buffer } => {
    if (of.m === of.n) {
      if (of.whole) {
        if (left.length > 0) throw new Error('too long')
        return { old: oldRoot, new: oldRoot }
      }
      if (left.length !== 1) throw new Error('wrong length')
      return { old: left[0]!, new: left[0]! }
    }
    const k = 2 ** (Math.ceil(Math.log2(of.n)) - 1)
    const last = left.at(-1)
    if (last === undefined) throw new Error('too short')
    const rest = left.slice(0, -1)
    if (of.m <= k) {
      const inner = descend({ m: of.m, n: k, whole: of.whole }, rest)
      return { old: inner.old, new: sha256(Buffer.of(1), inner.new, last) }
    }
    const inner = descend({ m: of.m - k, n: of.n - k, whole: false }, rest)
    return {
      old: sha256(Buffer.of(1), last, inner.old),
      new: sha256(Buffer.of(1), last, inner.new),
    }
  }
  return descend({ m, n, whole: true }, proof)
}

function ed25519(key: Buffer, message: Buffer, signature: Buffer): boolean {
  const prefix = Buffer.from('302a300506032b6570032100', 'hex')
  const spki = createPublicKey({ key: Buffer.concat([prefix, key]), format: 'der', type: 'spki' })
  return verify(null, message, spki, signature)
}

/** The text of a note, if a key with this name has signed it in this way (1: note, 4: witness). */
export function openNote(note: string, name: string, key: Buffer, type: 1 | 4): string {
  const bytes = Buffer.from(note)
  const split = bytes.lastIndexOf('\n\n')
  const text = bytes.subarray(0, split + 1)
  const id = sha256(Buffer.from(`${name}\n`), Buffer.of(type), key).subarray(0, 4)
  const lines = bytes
    .subarray(split + 2)
    .toString()
    .trimEnd()
    .split('\n')
  for (const line of lines) {
    const [dash, signer, base64] = line.split(' ')
    if (dash !== '\u2014' || signer !== name) continue
    const blob = Buffer.from(base64!, 'base64')
    if (!blob.subarray(0, 4).equals(id)) continue
    const signature = blob.subarray(4)
    if (type === 1 && ed25519(key, text, signature)) return text.toString()
    if (type === 4) {
      const time = signature.readBigUInt64BE(0)
      const head = Buffer.from(`cosignature/v1\ntime ${time}\n`)
      if (ed25519(key, Buffer.concat([head, text]), signature.subarray(8))) return text.toString()
    }
  }
  throw new Error('no signature of this key holds')
}

/** A checkpoint by the three lines of its text. */
export function readCheckpoint(text: string): { origin: string; size: number; root: Buffer } {
  const [origin, size, root] = text.split('\n')
  return { origin: origin!, size: Number(size), root: Buffer.from(root!, 'base64') }
}

/** The parts of a tlog-proof. */
export function readProof(text: string) {
  const split = text.indexOf('\n\n')
  const [form, extra, index, ...path] = text.slice(0, split).split('\n')
  if (form !== 'c2sp.org/tlog-proof@v1') throw new Error('no tlog-proof')
  return {
    record: Buffer.from(extra!.replace('extra ', ''), 'base64'),
    index: Number(index!.replace('index ', '')),
    path: path.map((line) => Buffer.from(line, 'base64')),
    checkpoint: text.slice(split + 2),
  }
}
