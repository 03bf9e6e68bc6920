import { copyFile, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeNotice, makeNotice, type Notice } from '@ixj/agent'
import type { Name } from '@ixj/names'
import {
  type Home,
  nodeRandom,
  nodeSha256,
  openNodeVerifier,
  parseNotice,
  systemClock,
  writeNotice,
} from '@ixj/node/home'
import {
  type AnchorSet,
  applySuccessor,
  certifiedKeys,
  type CrossCertificate,
  equalBytes,
  formatTime,
  issueSuccessor,
  isCrossCertificate,
  isSuccessor,
  moveKeys,
  type SignedStatement,
  type Successor,
  toBase64url,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import { CommandError } from './command-error.ts'
import type { Record } from './output.ts'
import { liftNext, nextHome, nextKeyOf, type WaitingKey } from './next-key.ts'

/** The next key of a name, and whether this home's own anchor commits to it. */
export interface Committed extends WaitingKey {
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Uint8Array
  readonly isAnchored: boolean
}

/**
 * Makes a name's next key, and has this home's own anchor commit to it, where that has the name's
 * key and no commitment yet.
 * @throws CommandError `absent` without a key of the name; HomeError; TrustError `key-file`
 */
export async function commitNext(home: Home, name: Name): Promise<Committed> {
  const { publicKey: key } = await home.readSigner(name)
  await liftNext(home, name)
  const waiting = await nextKeyOf(home, name)
  const digest = nodeSha256(waiting.publicKey)
  const anchors = await home.updateAnchors((before) => {
    const anchor = before.get(name)
    const isOwn = anchor?.keys.some((each) => equalBytes(each, key)) === true
    if (anchor === undefined || !isOwn || anchor.next !== undefined) return before
    return before.with({ ...anchor, next: digest })
  })
  const committed = anchors.get(name)?.next
  const isAnchored = committed !== undefined && equalBytes(committed, digest)
  return { ...waiting, digest, isAnchored }
}

/** A key that took the place of another in this home. */
export interface Succession {
  readonly notice: Notice
  readonly statement: Successor
  /** Where the old key lies now. */
  readonly oldPath: string
  /** Whether this home's own anchor moved. */
  readonly isAnchored: boolean
}

/**
 * Signs that a name's next key takes over, by both, and puts it in the place of the old one. The old
 * key counts until `until`, and is kept in the folder `past`. The key after it waits in `next`, and
 * is committed to. A running node of this home tells everybody.
 * @throws CommandError `absent` if there is no next key; TrustError if this home's own anchor, or the
 * form, refuses; HomeError
 */
export async function succeed(
  home: Home,
  name: Name,
  { until }: { readonly until: number },
): Promise<Succession> {
  await liftNext(home, name)
  const next = await nextHome(home)
  if (!(await next.keyNames()).includes(name)) {
    const remedy = `make it, and have others commit to it: ixj key next ${name}`
    throw new CommandError('absent', `Cannot let another key succeed that of ${name}; ${remedy}`)
  }
  const [old, fresh] = [await home.readSigner(name), await next.readSigner(name)]
  const after = await nextKeyOf(next, name)
  const fields = {
    kind: 'successor',
    issuer: name,
    notBefore: systemClock.now(),
    notAfter: until,
    nonce: nodeRandom(16),
    name,
    newKey: fresh.publicKey,
    next: nodeSha256(after.publicKey),
  } as const
  const signed = await issueSuccessor(fields, { old, new: fresh }, nodeSha256)
  const notice = makeNotice(signed, [])
  // What this home's own anchor refuses, others refuse as well: before anything is moved.
  const isAnchored = await moveAnchor(home, signed, { isNeeded: false })
  await writeNotice(home, notice)
  const oldPath = await replaceKey(home, { next, name, old: old.publicKey })
  return { notice, statement: signed.statement, oldPath, isAnchored }
}

/** The old key is kept before the next one is put in its place, so that none is ever lost. */
async function replaceKey(
  home: Home,
  keys: { readonly next: Home; readonly name: Name; readonly old: Uint8Array },
): Promise<string> {
  const { next, name, old } = keys
  const oldPath = join(home.folder, 'past', name, `${toBase64url(old)}.key`)
  try {
    await mkdir(dirname(oldPath), { recursive: true, mode: 0o700 })
    await copyFile(home.keyPath(name), oldPath)
    await rename(next.keyPath(name), home.keyPath(name))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    const tried = `Cannot put ${next.keyPath(name)} in the place of ${home.keyPath(name)}`
    throw new CommandError('file', `${tried}: ${String(cause.code)}`, { cause })
  }
  await liftNext(home, name)
  return oldPath
}

/**
 * Moves this home's anchor to another key; whether it moved now. Its signatures have been checked.
 * @throws TrustError as applySuccessor; HomeError
 */
async function moveAnchor(
  home: Home,
  signed: SignedStatement<Successor>,
  { isNeeded }: { readonly isNeeded: boolean },
): Promise<boolean> {
  let isMoved = false
  await home.updateAnchors((anchors: AnchorSet) => {
    if (!isNeeded && anchors.get(signed.statement.name) === undefined) return anchors
    const moved = applySuccessor(signed, { anchors, now: systemClock.now(), hash: nodeSha256 })
    isMoved = moved !== undefined
    return moved ?? anchors
  })
  return isMoved
}

/** A notice of a successor. */
export type SuccessorNotice = Notice & { readonly told: SignedStatement<Successor> }

/**
 * Reads a file of a successor; undefined if it is one of something else than a notice.
 * @throws CommandError `file` (a notice of something else); HomeError; TrustError
 */
export function readSuccessorFile(bytes: Uint8Array, shown: string): SuccessorNotice | undefined {
  if (!Buffer.from(bytes).toString('latin1').includes('"notice"')) return undefined
  const notice = decodeNotice(parseNotice(bytes, shown), nodeSha256)
  const { told } = notice
  if (isSuccessor(told)) return { ...notice, told }
  throw new CommandError('file', `Cannot accept ${shown}: it tells a ${told.statement.kind}`)
}

/** What a successor did in a home: to its anchor, or beside its cross-certificates. */
export type Acceptance = 'moved' | 'certified' | 'known'

/**
 * Takes a successor in that another home handed out: where this one's anchor, or a cross-certificate
 * in it, committed to the key. A running node of this home takes it as well, and tells others.
 * @throws TrustError `bad-signature`, and as applySuccessor; HomeError
 */
export async function acceptSuccessor(home: Home, notice: SuccessorNotice): Promise<Acceptance> {
  const { told } = notice
  const { name } = told.statement
  if (!(await verifySignature(told, openNodeVerifier()))) {
    const reason = 'one of its two signatures does not hold'
    throw new TrustError(
      'bad-signature',
      `Cannot let another key succeed that of "${name}": ${reason}`,
    )
  }
  const certificates = (await home.readCrossCertificates())
    .filter(isCrossCertificate)
    .filter(({ statement }) => statement.subject === name)
  const isCertified = certificates.length > 0 && (await home.readAnchors()).for(name) === undefined
  const isNew = isCertified
    ? succeedsOne(certificates, told)
    : await moveAnchor(home, told, { isNeeded: true })
  await writeNotice(home, notice)
  if (!isNew) return 'known'
  return isCertified ? 'certified' : 'moved'
}

/** Whether it succeeds a key of one of these. @throws TrustError as moveKeys, if of none */
function succeedsOne(
  certificates: readonly SignedStatement<CrossCertificate>[],
  told: SignedStatement<Successor>,
): boolean {
  const context = { now: systemClock.now(), hash: nodeSha256 }
  let failure: TrustError | undefined
  for (const certificate of certificates) {
    try {
      if (moveKeys(certifiedKeys(certificate, context), told, context) !== undefined) return true
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      failure = cause
    }
  }
  if (failure !== undefined) throw failure
  return false
}

/** What became of a successor that was taken in, for programs and for people. */
export function tellSuccessor(
  { name, newKey, issuerKey, notAfter }: Successor,
  acceptance: Acceptance,
): readonly [Record, string] {
  const [new64, old64] = [toBase64url(newKey), toBase64url(issuerKey)]
  const what = {
    moved: 'trusted from now on',
    certified: 'certified from now on',
    known: 'trusted already',
  }[acceptance]
  const text = `${what}: ${name} with ${new64}\n  its key ${old64} until ${formatTime(notAfter)}`
  return [{ name, publicKey: new64, replaces: old64, until: notAfter, acceptance }, text]
}
