import { type DnsName, isAtOrBelowName, parentOf } from '../proof.ts'
import type { Rrset } from './rrset.ts'

/** Where RRsets are looked up: a zone, or a zone with changes that are not made yet. */
export interface RecordSource {
  readonly zone: DnsName
  rrset(name: DnsName, type: number): Rrset | undefined
  /** All RRsets of a name. */
  rrsetsAt(name: DnsName): readonly Rrset[]
}

/** An RRset that takes the place of the one of its name and type, or nothing in its place. */
export interface RrsetChange {
  readonly name: DnsName
  readonly type: number
  readonly rrset: Rrset | undefined
}

/** A name that has records, or has names with records below it (RFC 4592 section 2.2.2). */
export interface ZoneNode {
  readonly rrsets: readonly Rrset[]
}

interface MutableNode {
  rrsets: readonly Rrset[]
  /** Names directly below it that exist. So that no search is needed to know that it exists. */
  children: number
}

const NONE: readonly Rrset[] = []

/** The records of a zone, by name. Every look-up costs the same, however many names there are. */
export class ZoneContent implements RecordSource {
  readonly zone: DnsName
  readonly #nodes = new Map<string, MutableNode>()
  #recordCount = 0
  #bytes = 0

  constructor(zone: DnsName) {
    this.zone = zone
    this.#nodes.set(zone, { rrsets: NONE, children: 0 })
  }

  get recordCount(): number {
    return this.#recordCount
  }

  /** About the bytes of memory that its records take. */
  get bytes(): number {
    return this.#bytes
  }

  /** The node of a name; undefined if the name does not exist. */
  node(name: DnsName): ZoneNode | undefined {
    return this.#nodes.get(name)
  }

  rrset(name: DnsName, type: number): Rrset | undefined {
    return findType(this.rrsetsAt(name), type)
  }

  rrsetsAt(name: DnsName): readonly Rrset[] {
    return this.#nodes.get(name)?.rrsets ?? NONE
  }

  /** Every RRset, in no order. */
  *rrsets(): Generator<Rrset> {
    for (const { rrsets } of this.#nodes.values()) yield* rrsets
  }

  /** Every name that exists, those without records too, in no order. */
  names(): Iterable<DnsName> {
    return this.#nodes.keys() as Iterable<DnsName>
  }

  /** Makes one change; gives what was there before. */
  apply({ name, type, rrset }: RrsetChange): Rrset | undefined {
    if (!isAtOrBelowName(name, this.zone)) throw new Error(`${name} is not in zone ${this.zone}`)
    const before = this.rrset(name, type)
    this.#recordCount += (rrset?.size ?? 0) - (before?.size ?? 0)
    this.#bytes += (rrset?.bytes ?? 0) - (before?.bytes ?? 0)
    if (rrset !== undefined) {
      const node = this.#nodes.get(name) ?? this.#create(name)
      const others = node.rrsets.filter((other) => other !== before)
      // Arrays that were pushed to keep room for more, which 100,000 names never use.
      node.rrsets = others.length === 0 ? [rrset] : others.concat(rrset)
    } else if (before !== undefined) {
      const node = this.#nodes.get(name)!
      node.rrsets = node.rrsets.filter((other) => other !== before)
      this.#dropUnused(name)
    }
    return before
  }

  #create(name: DnsName): MutableNode {
    const node: MutableNode = { rrsets: NONE, children: 0 }
    this.#nodes.set(name, node)
    const above = parentOf(name)
    const parent = this.#nodes.get(above) ?? this.#create(above)
    parent.children++
    return node
  }

  #dropUnused(name: DnsName): void {
    for (let unused = name; unused !== this.zone; unused = parentOf(unused)) {
      const node = this.#nodes.get(unused)!
      if (node.rrsets.length > 0 || node.children > 0) return
      this.#nodes.delete(unused)
      this.#nodes.get(parentOf(unused))!.children--
    }
  }
}

/** The RRset of a type among those of one name. */
export function findType(rrsets: readonly Rrset[], type: number): Rrset | undefined {
  for (const rrset of rrsets) if (rrset.type === type) return rrset
  return undefined
}
