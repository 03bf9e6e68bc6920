import { isAtOrBelow, isBelow, matches, type Name, type Pattern } from '@ixj/names'
import { compareBytes, concatBytes, equalBytes, toHex, utf8Bytes } from './bytes.ts'
import {
  REVOCATIONS_OF_OWN_KEYS_MAX,
  REVOCATIONS_PER_NAME_MAX,
  REVOCATIONS_PER_ROOT_MAX,
  REVOCATION_STATES_MAX,
  SKEW_MS,
} from './limits.ts'
import type { Revocation } from './revocation.ts'
import { sha256, type Sha256 } from './signing.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

/**
 * How far a revocation reaches, as was found when it came. `self`: what the same key signed, and
 * that key. `below`: names below, and what they signed. `granted`: those of the grant's topics.
 */
export type Reach =
  | { readonly kind: 'self' }
  | { readonly kind: 'below' }
  | { readonly kind: 'granted'; readonly topics: readonly Pattern[] }

/** A revocation that this verifier has found to be by right. */
export interface KnownRevocation {
  readonly signed: SignedStatement<Revocation>
  readonly reach: Reach
  /** The anchor under which it was found: its room is taken from that name's. */
  readonly root: Name
}

/** Whether what a revocation names has ended as well, skew included on both sides. */
export function revocationHasEnded(
  { statement }: SignedStatement<Revocation>,
  now: number,
): boolean {
  return statement.notAfter + 2 * SKEW_MS < now
}

/** What chains ask about revocations; {@link RevocationBook} is one. */
export interface RevocationView {
  /** What makes this key of this name void. */
  ofKey(name: Name, key: Uint8Array): SignedStatement<Revocation> | undefined
  /** What makes this statement void: its id, or the key that signed it. */
  ofStatement(signed: SignedStatement): SignedStatement<Revocation> | undefined
}

/** Nothing is known to be revoked. */
export const NO_REVOCATIONS: RevocationView = {
  ofKey: () => undefined,
  ofStatement: () => undefined,
}

/**
 * SHA-256("ixj/1/revoked" ‖ 0 ‖ ids), the ids of 32 bytes each, rising bytewise: what a status says
 * of a set. docs/protocol.md, section "Status".
 */
export function revocationDigest(ids: Iterable<Uint8Array>, hash: Sha256 = sha256): Uint8Array {
  return hash(concatBytes(DIGEST_PREFIX, ...[...ids].toSorted(compareBytes)))
}

const DIGEST_PREFIX = utf8Bytes('ixj/1/revoked\0')

/** The set of one name, and what it was before. */
interface NameSet {
  /** In the order of their coming. */
  readonly byId: Map<string, KnownRevocation>
  /** The newest last: a status may be behind what came by another way. */
  readonly states: EarlierState[]
}

/**
 * What a set was before one came. Its digest is made when a status asks for it: made with each that
 * comes, a set of 1,024 would cost whoever fills it nothing, and its verifiers a millisecond each.
 */
interface EarlierState {
  readonly ids: readonly Uint8Array[]
  digest: Uint8Array | undefined
}

/**
 * The revocations that are known, by the name whose right they are. What is in it refuses; nothing
 * takes it out before its end. Each name, and each anchor's names together, have room of their own,
 * so that who fills it harms its own organisation at most. No signatures and no rights are checked
 * here: what is added was checked.
 */
export class RevocationBook implements RevocationView {
  readonly #hash: Sha256
  readonly #sets = new Map<Name, NameSet>()
  readonly #byRoot = new Map<Name, number>()
  /** By name and key. */
  readonly #keys = new Map<string, KnownRevocation>()
  /** By the id that is their target; several names may revoke one statement. */
  readonly #statements = new Map<string, readonly KnownRevocation[]>()

  constructor(hash: Sha256 = sha256) {
    this.#hash = hash
  }

  /** How many there are. */
  get size(): number {
    return [...this.#sets.values()].reduce((sum, { byId }) => sum + byId.size, 0)
  }

  /**
   * Takes one in; whether it is new.
   * @throws TrustError `store-full`: its name, or its root, has no room
   */
  add(known: KnownRevocation): boolean {
    const { of, target } = known.signed.statement
    const set = this.#sets.get(of) ?? { byId: new Map<string, KnownRevocation>(), states: [] }
    const { idText } = known.signed
    if (set.byId.has(idText)) return false
    this.#checkRoom(known, set)
    if (set.byId.size > 0) {
      const issuedAt = known.signed.statement.notBefore
      set.states.push({ ids: this.#counting(set, issuedAt), digest: undefined })
      if (set.states.length > REVOCATION_STATES_MAX) set.states.shift()
    }
    this.#sets.set(of, set)
    set.byId.set(idText, known)
    this.#byRoot.set(known.root, (this.#byRoot.get(known.root) ?? 0) + 1)
    if (target.kind === 'key') this.#keys.set(keyText(target.name, target.key), known)
    else {
      const id = toHex(target.id)
      this.#statements.set(id, [...(this.#statements.get(id) ?? []), known])
    }
    return true
  }

  /** Whether the one with this id, in hexadecimal, is here. */
  has(of: Name, idText: string): boolean {
    return this.#sets.get(of)?.byId.has(idText) === true
  }

  ofKey(name: Name, key: Uint8Array): SignedStatement<Revocation> | undefined {
    return this.#keys.size === 0 ? undefined : this.#keys.get(keyText(name, key))?.signed
  }

  ofStatement(signed: SignedStatement): SignedStatement<Revocation> | undefined {
    const { issuer, issuerKey } = signed.statement
    const byId = this.#statements.get(signed.idText)?.find((known) => reaches(known, signed))
    return byId?.signed ?? this.ofKey(issuer, issuerKey)
  }

  /** All of one name, or of every name. */
  list(of?: Name): readonly KnownRevocation[] {
    if (of !== undefined) return [...(this.#sets.get(of)?.byId.values() ?? [])]
    return [...this.#sets.values()].flatMap(({ byId }) => [...byId.values()])
  }

  /** All under one anchor. */
  under(root: Name): readonly KnownRevocation[] {
    return this.list().filter((known) => known.root === root)
  }

  /**
   * What a status that was issued at this time says of this name's set: those that have not ended,
   * without those by keys that are void, which who hears of them later could not take in any more.
   */
  digest(of: Name, issuedAt: number): Uint8Array {
    const set = this.#sets.get(of)
    const ids = set === undefined ? [] : this.#counting(set, issuedAt)
    return revocationDigest(ids, this.#hash)
  }

  /** Whether everything is here that a set with this digest holds. */
  covers(of: Name, digest: Uint8Array, issuedAt: number): boolean {
    if (equalBytes(this.digest(of, issuedAt), digest)) return true
    const states = this.#sets.get(of)?.states ?? []
    return states.some((state) => {
      state.digest ??= revocationDigest(state.ids, this.#hash)
      return equalBytes(state.digest, digest)
    })
  }

  /** Forgets those that have ended, skew included on both sides; what they name has ended as well. */
  sweep(now: number): void {
    for (const [of, set] of this.#sets) {
      for (const [idText, known] of set.byId) {
        if (!revocationHasEnded(known.signed, now)) continue
        set.byId.delete(idText)
        this.#forget(known)
      }
      if (set.byId.size === 0) this.#sets.delete(of)
    }
  }

  #checkRoom({ root, signed }: KnownRevocation, set: NameSet): void {
    const { of } = signed.statement
    const tried = `Cannot keep another revocation by the right of "${of}"`
    // A thief who fills the room of a name must not keep its owner from taking the stolen key away.
    const { target } = signed.statement
    const isOwnKey = target.kind === 'key' && target.name === of
    const max = REVOCATIONS_PER_NAME_MAX + (isOwnKey ? REVOCATIONS_OF_OWN_KEYS_MAX : 0)
    if (set.byId.size >= max) throw new TrustError('store-full', `${tried}: the limit is ${max}`)
    // An anchor's own name has room whatever its names have filled.
    if (of !== root && (this.#byRoot.get(root) ?? 0) >= REVOCATIONS_PER_ROOT_MAX) {
      const limit = `the limit under "${root}" is ${REVOCATIONS_PER_ROOT_MAX}`
      throw new TrustError('store-full', `${tried}: ${limit}`)
    }
  }

  /** Ids of those that a status which was issued at this time speaks of. */
  #counting({ byId }: NameSet, issuedAt: number): readonly Uint8Array[] {
    const isVoid = this.#voidKeys()
    return [...byId.values()].flatMap(({ signed: { id, statement } }) =>
      statement.notAfter >= issuedAt && !isVoid(statement) ? [id] : [],
    )
  }

  /** Whether the key that signed a revocation is void; each is looked up once. */
  #voidKeys(): (by: { readonly issuer: Name; readonly issuerKey: Uint8Array }) => boolean {
    let last: { readonly issuer: Name; readonly issuerKey: Uint8Array } | undefined
    let wasVoid = false
    return (by) => {
      if (last?.issuer !== by.issuer || !equalBytes(last.issuerKey, by.issuerKey)) {
        last = by
        wasVoid = this.ofKey(by.issuer, by.issuerKey) !== undefined
      }
      return wasVoid
    }
  }

  #forget(known: KnownRevocation): void {
    const { target } = known.signed.statement
    this.#byRoot.set(known.root, (this.#byRoot.get(known.root) ?? 1) - 1)
    if (target.kind === 'key') {
      const text = keyText(target.name, target.key)
      if (this.#keys.get(text) !== known) return
      this.#keys.delete(text)
      // Another name's revocation of the same key goes on.
      const other = this.list().find(
        ({ signed: { statement } }) =>
          statement.target.kind === 'key' &&
          keyText(statement.target.name, statement.target.key) === text,
      )
      if (other !== undefined) this.#keys.set(text, other)
      return
    }
    const id = toHex(target.id)
    const others = (this.#statements.get(id) ?? []).filter((other) => other !== known)
    if (others.length === 0) this.#statements.delete(id)
    else this.#statements.set(id, others)
  }
}

/**
 * Whether a revocation by id is by the right of who signed the statement, or of a name above.
 * "Never by a sibling": nor by another key of the same name.
 */
function reaches({ signed, reach }: KnownRevocation, target: SignedStatement): boolean {
  const { of, issuer, issuerKey } = signed.statement
  const by = target.statement
  switch (reach.kind) {
    case 'self':
      return by.issuer === issuer && equalBytes(by.issuerKey, issuerKey)
    case 'below':
      return isBelow(by.issuer, of) || (by.issuer === issuer && equalBytes(by.issuerKey, issuerKey))
    case 'granted':
      return isAtOrBelow(by.issuer, of) && reach.topics.some((each) => matches(each, by.issuer))
  }
}

function keyText(name: Name, key: Uint8Array): string {
  return `${name}|${toHex(key)}`
}
