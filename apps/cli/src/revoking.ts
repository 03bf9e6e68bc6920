import { grantsOf, type Identity, issueRevocation, type Notice, revokeGrantsOf } from '@ixj/agent'
import { ancestors, matches, type Name } from '@ixj/names'
import { type Home, nodeRandom, nodeSha256, systemClock, writeNotice } from '@ixj/node/home'
import {
  checkRevoker,
  equalBytes,
  type Grant,
  isBinding,
  isCrossCertificate,
  isGrant,
  isRevocation,
  type RevocationTarget,
  type SignedStatement,
  toHex,
  TrustError,
} from '@ixj/trust'
import { ArgumentError, CommandError } from './command-error.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/** What was revoked, by whom, and what of this home is void by it. */
export interface Revoked {
  readonly notice: Notice
  readonly target: RevocationTarget
  readonly by: Name
  readonly of: Name
  readonly path: string
  readonly voided: readonly SignedStatement[]
}

/** Every statement that lies in a home, each once. */
export async function allStatements(home: Home): Promise<readonly SignedStatement[]> {
  const found = new Map<string, SignedStatement>()
  for (const name of await home.statementNames()) {
    for (const signed of await home.readStatements(name)) found.set(signed.idText, signed)
  }
  return [...found.values()]
}

/** The keys that this home knows a name to have had. */
export async function keysOfName(
  home: Home,
  name: Name,
  statements: readonly SignedStatement[],
): Promise<readonly Uint8Array[]> {
  const keys = new Map<string, Uint8Array>()
  for (const { statement } of statements.filter(isBinding)) {
    if (statement.name === name) keys.set(toHex(statement.key), statement.key)
  }
  if ((await home.keyNames()).includes(name)) {
    const { publicKey } = await home.readSigner(name)
    keys.set(toHex(publicKey), publicKey)
  }
  return [...keys.values()]
}

/**
 * Signs a revocation with a key of the home that may, and writes it where the home's nodes take it.
 * Without `by`, the nearest name above signs; else the name itself, or a holder of `revoke`.
 * @throws CommandError `absent` if no key here may; TrustError if it would not be by right
 */
export async function revoke(
  home: Home,
  target: RevocationTarget,
  options: { readonly by?: Name; readonly statements: readonly SignedStatement[] },
): Promise<Revoked> {
  const { statements } = options
  const owner = ownerOf(target, statements)
  const { identity, under } = await findSigner(home, target, { ...options, owner })
  const notAfter = endOf(target, statements)
  const notice = await issueRevocation(identity, target, {
    clock: systemClock,
    random: nodeRandom,
    hash: nodeSha256,
    ...(under === undefined ? {} : { under }),
    ...(notAfter === undefined ? {} : { notAfter }),
  })
  const { told } = notice
  if (!isRevocation(told)) throw new Error('A revocation was issued as something else')
  await checkRight(home, notice, told)
  const path = await writeNotice(home, notice)
  const voided = statements.filter((signed) => isVoid(signed, target))
  return { notice, target, by: identity.name, of: told.statement.of, path, voided }
}

/** Who would believe it: this home's own anchors, where they know the name. */
async function checkRight(
  home: Home,
  notice: Notice,
  told: Parameters<typeof checkRevoker>[0],
): Promise<void> {
  const anchors = await home.readAnchors()
  const { issuer } = told.statement
  if (anchors.for(issuer) === undefined) return
  const found = await findZoneKeys(rootsOf(issuer, notice.proving), { home, anchors })
  checkRevoker(told, {
    bindings: notice.proving.filter(isBinding),
    grants: notice.proving.filter(isGrant),
    crossCertificates: notice.proving.filter(isCrossCertificate),
    anchors,
    ...found,
    now: systemClock.now(),
  })
}

interface Signing {
  readonly identity: Identity
  readonly under?: SignedStatement<Grant>
}

async function findSigner(
  home: Home,
  target: RevocationTarget,
  options: { readonly by?: Name; readonly owner: Name | undefined },
): Promise<Signing> {
  const { by, owner } = options
  const names = await home.keyNames()
  const above = owner === undefined ? [] : ancestors(owner).filter((name) => names.includes(name))
  const self = owner !== undefined && names.includes(owner) ? [owner] : []
  const order = target.kind === 'key' ? [...above, ...self] : [...self, ...above]
  const candidates = by === undefined ? order : [by]
  for (const name of candidates) {
    const identity = await home.readIdentity(name)
    if (by !== undefined && owner !== undefined && name !== owner && !above.includes(name)) {
      const under = coveringGrant(identity, owner)
      return { identity, ...(under === undefined ? {} : { under }) }
    }
    const isOwn = target.kind !== 'key' || name !== owner
    if (isOwn || equalBytes(target.key, identity.signer.publicKey)) return { identity }
  }
  for (const name of by === undefined ? names : []) {
    const identity = await home.readIdentity(name)
    const under = owner === undefined ? undefined : coveringGrant(identity, owner)
    if (under !== undefined) return { identity, under }
  }
  const reason = `no key of this home is above ${owner ?? 'it'}, or holds revoke for it`
  throw new CommandError('absent', `Cannot revoke: ${reason}`)
}

function coveringGrant(identity: Identity, owner: Name): SignedStatement<Grant> | undefined {
  if (grantsOf(identity).length === 0) return undefined
  return revokeGrantsOf(identity).find(({ grant }) =>
    grant.statement.topics.some((topic) => matches(topic, owner)),
  )?.grant
}

/** Whose right is asked: the name of the key, or who signed the statement. */
function ownerOf(
  target: RevocationTarget,
  statements: readonly SignedStatement[],
): Name | undefined {
  if (target.kind === 'key') return target.name
  return statements.find(({ idText }) => idText === toHex(target.id))?.statement.issuer
}

/** A revocation lasts as long as what it voids. */
function endOf(
  target: RevocationTarget,
  statements: readonly SignedStatement[],
): number | undefined {
  if (target.kind === 'key') return undefined
  return statements.find(({ idText }) => idText === toHex(target.id))?.statement.notAfter
}

function isVoid(signed: SignedStatement, target: RevocationTarget): boolean {
  if (target.kind === 'statement') return signed.idText === toHex(target.id)
  const { statement } = signed
  const isBound =
    statement.kind === 'binding' &&
    statement.name === target.name &&
    equalBytes(statement.key, target.key)
  const isSigned = statement.issuer === target.name && equalBytes(statement.issuerKey, target.key)
  return isBound || isSigned
}

/** The name that has a key, as far as this home knows. @throws ArgumentError `absent` */
export async function nameOfKey(
  home: Home,
  key: Uint8Array,
  statements: readonly SignedStatement[],
): Promise<Name> {
  const bound = statements.filter(isBinding).find(({ statement }) => equalBytes(statement.key, key))
  if (bound !== undefined) return bound.statement.name
  for (const name of await home.keyNames()) {
    if (equalBytes((await home.readSigner(name)).publicKey, key)) return name
  }
  throw new ArgumentError('absent', 'Cannot revoke that key: this home knows no name of it')
}

/**
 * Revokes a key that was taken out of the DNS, by itself where this home has it, else by a name above.
 * Whether one could: a home that has neither leaves it to those who do, and to the end of the records.
 */
export async function revokeRemoved(
  home: Home,
  removed: { readonly name: Name; readonly key: Uint8Array },
): Promise<boolean> {
  const { name, key } = removed
  const target = { kind: 'key', name, key } as const
  const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
  if ((await home.keyNames()).includes(name)) {
    const identity = await home.readIdentity(name)
    if (equalBytes(identity.signer.publicKey, key)) {
      // The records are gone, so nothing is asked of them here: whoever met the key knows it.
      await writeNotice(home, await issueRevocation(identity, target, context))
      return true
    }
  }
  try {
    await revoke(home, target, { statements: await allStatements(home) })
    return true
  } catch (cause) {
    const isUnable = cause instanceof CommandError || cause instanceof TrustError
    if (!isUnable) throw cause
    return false
  }
}
