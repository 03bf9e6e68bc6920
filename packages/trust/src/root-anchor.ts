import { type Name, parseName } from '@ixj/names'
import { type Anchor, type AnchorFields, checkRecords, makeAnchor } from './anchors.ts'
import { ROOT_ZONES_MAX } from './limits.ts'

/** What one gives to trust the root of the DNS; see {@link makeRootAnchor}. */
export type RootAnchorFields = Pick<
  AnchorFields,
  'records' | 'purposes' | 'freshness' | 'addedAt' | 'addedBy'
>

/**
 * The root of the DNS, for an entity that chooses to trust it: where neither an anchor nor a
 * cross-certificate decides about a name, the keys count that its zone publishes, proven from the
 * root down. docs/protocol.md, section "Anchors".
 */
export interface RootAnchor extends Pick<
  Anchor,
  'records' | 'purposes' | 'freshness' | 'addedAt' | 'addedBy'
> {
  /** The anchor that the root comes to for names of one zone, which is their organisation. */
  readonly anchorFor: (zone: Name) => Anchor
}

const OF_ANY_ZONE = { name: parseName('zone.invalid'), kind: 'zone' } as const

/**
 * Makes the anchor of the root from a copy of its fields; `purposes` as in {@link makeAnchor}.
 * @throws TrustError `form` (a count, a record that is none, one that repeats)
 */
export function makeRootAnchor(fields: RootAnchorFields): RootAnchor {
  const { records = [] } = fields
  checkRecords('.', [], records)
  // As for any zone: what is wrong with its other fields is found here, not at the first name.
  const { addedAt, addedBy, purposes, freshness } = makeAnchor({ ...fields, ...OF_ANY_ZONE })
  const own = {
    records: Object.freeze([...records]),
    purposes,
    freshness,
    ...(addedAt === undefined ? {} : { addedAt }),
    ...(addedBy === undefined ? {} : { addedBy }),
  }
  const made = new Map<Name, Anchor>()
  const anchorFor = (zone: Name): Anchor => {
    const known = made.get(zone)
    if (known !== undefined) return known
    const anchor = makeAnchor({ ...own, name: zone, kind: 'zone', underRoot: true })
    if (made.size >= ROOT_ZONES_MAX) made.clear()
    made.set(zone, anchor)
    return anchor
  }
  return Object.freeze({ ...own, anchorFor })
}
