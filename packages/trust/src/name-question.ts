import type { Name } from '@ixj/names'
import type { AnchorSet } from './anchor-set.ts'
import type { Anchor, Purpose } from './anchors.ts'
import type { Binding } from './binding.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import type { Grant } from './grant.ts'
import type { Standpoint } from './standpoint.ts'
import type { PublishedKey } from './published-key.ts'
import type { RevocationView } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'

/** What the key is needed for: `grant` is allowed to every key, docs/protocol.md, "Binding". */
export type NameUse = 'sign' | 'bind' | 'grant'

/** Which name, which key, and what for. */
export interface NameQuestion {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly use: NameUse
  readonly purpose: Purpose
}

/** What a name is checked against. The statements have been verified: take them from the store. */
export interface NameContext {
  readonly bindings: readonly SignedStatement<Binding>[]
  /** Keys that DNS publishes, as a zone anchor of this verifier proved; default none. */
  readonly published?: readonly PublishedKey[]
  /** Why DNSSEC records that came with the bindings prove nothing here; for the refusal. */
  readonly unproven?: readonly string[]
  /** Those that came with the proof; default none. */
  readonly crossCertificates?: readonly SignedStatement<CrossCertificate>[]
  /** Who verifies, and what it has at home; without it no cross-certificate counts. */
  readonly standpoint?: Standpoint
  readonly anchors: AnchorSet
  /** What was revoked; default nothing. */
  readonly revocations?: RevocationView
  /** Ms since the Unix epoch. */
  readonly now: number
}

/** The proven way from an anchor to a name and its key. */
export interface NameChain {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  /** The anchor at which trust begins: that of the name or, over cross-certificates, one's own. */
  readonly anchor: Anchor
  /** The top of the name's own chain: its anchor's name, or the last cross-certificate's subject. */
  readonly organisation: Name
  /** The organisations from the anchor's to the name's own; one of them without cross-certificates. */
  readonly path: readonly Name[]
  /** From the one that an organisation above this verifier issued to the last; mostly none. */
  readonly crossCertificates: readonly SignedStatement<CrossCertificate>[]
  /** What proves the issuer of the first of these; null without any. */
  readonly introducer: NameChain | null
  /** Who signed in this name, where its key is not of the name itself; mostly nobody. */
  readonly speaker?: Speaker
  /** The published key under a zone anchor with which it begins; null under keys. */
  readonly published: PublishedKey | null
  /** From there down to the name; empty for a key of the root itself, or a published one. */
  readonly links: readonly SignedStatement<Binding>[]
  /** The latest start of all statements and the published key; 0 if there is none. */
  readonly notBefore: number
  /**
   * The earliest end of all statements; Infinity if there is none. No skew is in it; a published
   * key's end, which no skew widens, counts as that much earlier.
   */
  readonly notAfter: number
}

/** A chain of grants that held when it was checked. */
export interface Authority {
  readonly leaf: SignedStatement<Grant>
  /** From the root to the leaf. */
  readonly chain: readonly SignedStatement<Grant>[]
  /** For each grant of the chain, the proof of its issuer's name. */
  readonly issuers: readonly NameChain[]
  readonly onBehalfOf: Name
  /** The latest start of all grants and bindings. */
  readonly notBefore: number
  /** The earliest end of all grants and bindings. No skew is in it. */
  readonly notAfter: number
}

/** Who signed in another name, and by what right. */
export interface Speaker {
  /** The proof of the speaker's own name and key. */
  readonly chain: NameChain
  /** The chain of the `speak` grant. */
  readonly authority: Authority
}

/**
 * The key of the name itself, also where another signs for it: what is granted to that key alone, is
 * used by whoever it lets speak. Where a name above lets somebody speak for it, the speaker's.
 */
export function holderKey({ name, key, speaker }: NameChain): Uint8Array {
  const root = speaker?.authority.issuers[0]
  return root?.name === name ? root.key : key
}

/** Every statement that a chain rests on, from the anchor down. */
export function statementsOfChain(chain: NameChain): readonly SignedStatement[] {
  const above = chain.introducer === null ? [] : statementsOfChain(chain.introducer)
  return [...above, ...chain.crossCertificates, ...chain.links, ...statementsOfSpeaker(chain)]
}

function statementsOfSpeaker({ speaker }: NameChain): readonly SignedStatement[] {
  if (speaker === undefined) return []
  const { chain, authority } = speaker
  const issuers = authority.issuers.flatMap((issuer) => statementsOfChain(issuer))
  return [...statementsOfChain(chain), ...issuers, ...authority.chain]
}

/** The keys in DNS that a chain rests on: newer records may take one back. */
export function publishedOfChain(chain: NameChain): readonly PublishedKey[] {
  const above = chain.introducer === null ? [] : publishedOfChain(chain.introducer)
  const { speaker } = chain
  const beside = speaker === undefined ? [] : [speaker.chain, ...speaker.authority.issuers]
  const others = [...above, ...beside.flatMap((each) => publishedOfChain(each))]
  return chain.published === null ? others : [...others, chain.published]
}

/** How a message about a name begins. */
export function triedName({ name }: Pick<NameQuestion, 'name'>): string {
  return `Cannot verify name "${name}"`
}
