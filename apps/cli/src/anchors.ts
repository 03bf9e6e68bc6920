import { userInfo } from 'node:os'
import {
  type DnsRecord,
  keyTagOf,
  parseRecord,
  readDnskey,
  readDs,
  ROOT_ANCHOR,
  TYPE,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import { anchorRecordsOf, type Home, zonesOf } from '@ixj/node/home'
import {
  type Anchor,
  type AnchorFields,
  equalBytes,
  formatDate,
  FRESHNESS_DEFAULT,
  type FreshnessRule,
  makeAnchor,
  makeRootAnchor,
  type RootAnchor,
  type RootAnchorFields,
  toBase64url,
  toHex,
} from '@ixj/trust'
import { blocks } from './blocks.ts'
import { CommandError } from './command-error.ts'
import type { Record } from './output.ts'

/**
 * What a text of DNSKEY and DS lines says of one zone.
 * @throws CommandError `absent` if it is of others, or of none; DnsError; NameError
 */
export function zoneFields(text: string, name: Name): AnchorFields {
  const zones = zonesOf(text)
  const found = zones.find((fields) => fields.name === name)
  if (found !== undefined) return found
  const others = zones.map((fields) => fields.name).join(', ')
  const reason = others === '' ? 'no zone at all' : others
  throw new CommandError('absent', `Cannot find the zone ${name} in this text: it has ${reason}`)
}

/**
 * Trusts a name from now on. A new key for a name that is trusted already is a decision of its own:
 * it is never slipped in.
 * @throws CommandError `exists`; TrustError; HomeError
 */
export async function addAnchor(home: Home, fields: AnchorFields): Promise<Anchor> {
  const anchor = makeAnchor(fields)
  let added = anchor
  await home.updateAnchors((anchors) => {
    const before = anchors.get(anchor.name)
    if (before === undefined) return anchors.with(anchor)
    if (!isSameTrust(before, anchor)) throw anchorExists(before)
    added = trustedAgain(before, fields, anchor)
    return anchors.with(added)
  })
  return added
}

/** What is not said again stays as it was: no key that was succeeded comes back. */
function trustedAgain(before: Anchor, fields: AnchorFields, anchor: Anchor): Anchor {
  const freshness = fields.freshness ?? before.freshness
  const { keys, retiring } = before
  const kept =
    anchor.kind === 'zone' ? {} : { keys, retiring, ...nextOf(before), ...nextOf(anchor) }
  return makeAnchor({ ...anchor, freshness, ...kept })
}

function nextOf({ next }: Anchor): Pick<Anchor, 'next'> {
  return next === undefined ? {} : { next }
}

/** The error for an anchor that would take the place of another. */
export function anchorExists({ name }: Anchor): CommandError {
  const remedy = `if you mean it: ixj trust anchor remove ${name}`
  const reason = `it is there with another key; ${remedy}`
  return new CommandError('exists', `Cannot add the anchor ${name}: ${reason}`)
}

function isSameTrust(before: Anchor, { kind, keys: [key], records }: Anchor): boolean {
  if (before.kind !== kind) return false
  if (kind === 'zone') return records.every((record) => before.records.includes(record))
  return before.keys.some((each) => key !== undefined && equalBytes(each, key))
}

/** Who decides to trust, for people who read the list later. */
export function userName(): string {
  try {
    return userInfo().username.slice(0, 100)
  } catch (cause) {
    // In a container the user may have a number only.
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}

/** An anchor of the list: one of a name, or the root of the DNS. */
export type ListedAnchor = Omit<Anchor, 'name'> & { readonly name: Name | typeof ROOT_NAME }

/** The root of the DNS, as people call it who work with it. */
export const ROOT_NAME = '.'

/** The root of the DNS as one of the list; which names it decides about, the other anchors say. */
export function listedRoot(anchor: RootAnchor): ListedAnchor {
  const { anchorFor: _, ...root } = anchor
  return { ...root, name: ROOT_NAME, kind: 'zone', keys: [], names: [], retiring: [] }
}

/**
 * Trusts the root of the DNS from now on; `records` are those that IANA publishes, or those given.
 * @throws CommandError `exists` if it is trusted by others; TrustError; HomeError
 */
export async function addRoot(home: Home, fields: RootAnchorFields): Promise<ListedAnchor> {
  const root = makeRootAnchor({ records: anchorRecordsOf(ROOT_ANCHOR), ...fields })
  await home.updateAnchors((anchors) => {
    const before = anchors.root
    const isSame =
      before === undefined || root.records.every((each) => before.records.includes(each))
    if (isSame) return anchors.withRoot(root)
    const remedy = 'if you mean it: ixj trust anchor remove .'
    const reason = `it is there with other keys; ${remedy}`
    throw new CommandError('exists', `Cannot trust the root of the DNS: ${reason}`)
  })
  return listedRoot(root)
}

/** An anchor for programs. */
export function anchorRecord(anchor: ListedAnchor): Record {
  const { name, kind, keys, records, names, purposes, addedAt, addedBy } = anchor
  const { freshness, next, retiring } = anchor
  return {
    name,
    kind,
    keys: keys.map((key) => toBase64url(key)),
    retiring: retiring.map(({ key, until }) => ({ key: toBase64url(key), until })),
    next: next === undefined ? null : toHex(next),
    freshness,
    records: [...records],
    names: [...names],
    purposes: [...purposes],
    addedAt: addedAt ?? null,
    addedBy: addedBy ?? null,
  }
}

/** Anchors for people, one block each. */
export function anchorBlocks(list: readonly ListedAnchor[]): string {
  const shown = list.map((anchor) => {
    const added = addedText(anchor)
    return {
      title: `${anchor.name}  by its ${anchor.kind === 'zone' ? 'zone in the DNS' : 'key'}`,
      facts: [
        ['key', keyText(anchor)] as const,
        ['purposes', anchor.purposes.join(', ')] as const,
        ['names', anchor.names.join(', ') || 'all others'] as const,
        ...(anchor.freshness === FRESHNESS_DEFAULT
          ? []
          : [['statuses', STATUSES[anchor.freshness]] as const]),
        ...(added === '' ? [] : [['added', added] as const]),
      ],
    }
  })
  return blocks(shown).join('\n')
}

const STATUSES: { readonly [R in FreshnessRule]: string } = {
  required: 'a fresh one is required',
  'when-known': 'once one was heard',
  off: 'not asked for',
}

function addedText({ addedAt, addedBy }: ListedAnchor): string {
  const date = addedAt === undefined ? [] : [formatDate(addedAt)]
  return [...date, ...(addedBy === undefined ? [] : [`by ${addedBy}`])].join(' ')
}

/** A zone's keys by their tags, as DNS tools show them. */
function keyText({ kind, name, keys, records }: ListedAnchor): string {
  if (kind === 'key') return keys.map((key) => toBase64url(key)).join(' ')
  const owner = name === ROOT_NAME ? name : `${name}.`
  return records.map((text) => zoneKeyText(parseRecord(`${owner} 0 IN ${text}`))).join(', ')
}

const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [8, 'RSA'],
  [13, 'ECDSA P-256'],
  [15, 'Ed25519'],
])

/** A DNSKEY or DS record in a few words: `DNSKEY 12345 (Ed25519)`. */
export function zoneKeyText({ type, data }: DnsRecord): string {
  const isDs = type === TYPE.DS
  const tag = isDs ? readDs(data).keyTag : keyTagOf(data)
  const algorithm = isDs ? readDs(data).algorithm : readDnskey(data).algorithm
  const name = ALGORITHMS.get(algorithm) ?? `algorithm ${algorithm}`
  return `${isDs ? 'DS' : 'DNSKEY'} ${tag} (${name})`
}
