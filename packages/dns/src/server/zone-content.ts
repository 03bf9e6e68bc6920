import { type DnsName, isAtOrBelowName, parentOf } from '../proof.ts'
import { Rrset } from './rrset.ts'

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

/** Most names have one: an array of it, and an object for each name, took 8 MiB of 100,000 names. */
type Held = Rrset | readonly Rrset[]

const NONE: readonly Rrset[] = []

/** The records of a zone, by name. Every look-up costs the same, however many names there are. */
export class ZoneContent implements RecordSource {
  readonly zone: DnsName
  readonly #held = new Map<string, Held>()
  /**
   * Of names that have names below them: how many stand directly there. So that no search is needed to
   * know that they exist.
   */
  readonly #children = new Map<string, number>()
  #recordCount = 0
  #bytes = 0

  constructor(zone: DnsName) {
    this.zone = zone
    this.#children.set(zone, 0)
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
    const isThere = this.#held.has(name) || this.#children.has(name)
    return isThere ? { rrsets: this.rrsetsAt(name) } : undefined
  }

  rrset(name: DnsName, type: number): Rrset | undefined {
    const held = this.#held.get(name)
    if (held instanceof Rrset) return held.type === type ? held : undefined
    return held === undefined ? undefined : findType(held, type)
  }

  rrsetsAt(name: DnsName): readonly Rrset[] {
    const held = this.#held.get(name) ?? NONE
    return held instanceof Rrset ? [held] : held
  }

  /** Every RRset, in no order. */
  *rrsets(): Generator<Rrset> {
    for (const held of this.#held.values()) {
      if (held instanceof Rrset) yield held
      else yield* held
    }
  }

  /** Every name that exists, those without records too, in no order. */
  *names(): Generator<DnsName> {
    for (const name of this.#held.keys()) yield name as DnsName
    for (const name of this.#children.keys()) if (!this.#held.has(name)) yield name as DnsName
  }

  /** Makes one change; gives what was there before. */
  apply({ name, type, rrset }: RrsetChange): Rrset | undefined {
    if (!isAtOrBelowName(name, this.zone)) throw new Error(`${name} is not in zone ${this.zone}`)
    const before = this.rrset(name, type)
    this.#recordCount += (rrset?.size ?? 0) - (before?.size ?? 0)
    this.#bytes += (rrset?.bytes ?? 0) - (before?.bytes ?? 0)
    const others = this.rrsetsAt(name).filter((other) => other !== before)
    const wasThere = this.#exists(name)
    this.#hold(name, rrset === undefined ? others : [...others, rrset])
    const isThere = this.#exists(name)
    if (isThere && !wasThere) this.#countBelow(name)
    else if (wasThere && !isThere) this.#dropBelow(name)
    return before
  }

  #exists(name: DnsName): boolean {
    return this.#held.has(name) || this.#children.has(name)
  }

  #hold(name: DnsName, rrsets: readonly Rrset[]): void {
    const [first] = rrsets
    if (first === undefined) this.#held.delete(name)
    else this.#held.set(name, rrsets.length === 1 ? first : rrsets)
  }

  /** A name begins to exist, and with it those above that did not. */
  #countBelow(name: DnsName): void {
    for (let at = name; at !== this.zone; at = parentOf(at)) {
      const above = parentOf(at)
      const isThere = this.#exists(above)
      this.#children.set(above, (this.#children.get(above) ?? 0) + 1)
      if (isThere) return
    }
  }

  /** A name has ceased to exist, and with it those above that were there for it alone. */
  #dropBelow(name: DnsName): void {
    for (let at = name; at !== this.zone; at = parentOf(at)) {
      const above = parentOf(at)
      const left = (this.#children.get(above) ?? 0) - 1
      // The zone's own name exists without anything.
      if (left > 0 || above === this.zone) this.#children.set(above, left)
      else this.#children.delete(above)
      if (this.#exists(above)) return
    }
  }
}

/** The RRset of a type among those of one name. */
export function findType(rrsets: readonly Rrset[], type: number): Rrset | undefined {
  for (const rrset of rrsets) if (rrset.type === type) return rrset
  return undefined
}
