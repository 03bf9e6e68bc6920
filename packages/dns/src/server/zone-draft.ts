import type { DnsName } from '../proof.ts'
import { type Rrset, sameRrset } from './rrset.ts'
import type { RecordSource, RrsetChange } from './zone-content.ts'

/** Changes that are not made yet, seen as if they were. Throwing it away undoes them all. */
export class ZoneDraft implements RecordSource {
  readonly zone: DnsName
  readonly #base: RecordSource
  readonly #changes = new Map<DnsName, Map<number, Rrset | undefined>>()
  /** Records that it adds, less those that it removes. */
  recordDelta = 0
  /** The same for the bytes that they take. */
  byteDelta = 0

  constructor(base: RecordSource) {
    this.#base = base
    this.zone = base.zone
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  rrset(name: DnsName, type: number): Rrset | undefined {
    const changed = this.#changes.get(name)
    if (changed?.has(type) === true) return changed.get(type)
    return this.#base.rrset(name, type)
  }

  rrsetsAt(name: DnsName): readonly Rrset[] {
    const changed = this.#changes.get(name)
    const before = this.#base.rrsetsAt(name)
    if (changed === undefined) return before
    const added = [...changed.values()].filter((rrset) => rrset !== undefined)
    return [...before.filter(({ type }) => !changed.has(type)), ...added]
  }

  /** Whether the name has records of this type in what is changed here. */
  touches(name: DnsName, type: number): boolean {
    return this.#changes.get(name)?.has(type) === true
  }

  /** Puts an RRset in place; nothing is changed if it is as it was. */
  put(rrset: Rrset): void {
    if (sameRrset(this.rrset(rrset.name, rrset.type), rrset)) return
    this.#change({ name: rrset.name, type: rrset.type, rrset })
  }

  /** Takes an RRset away; nothing is changed if there is none. */
  remove(name: DnsName, type: number): void {
    if (this.rrset(name, type) !== undefined) this.#change({ name, type, rrset: undefined })
  }

  *changes(): Generator<RrsetChange> {
    for (const [name, types] of this.#changes) {
      for (const [type, rrset] of types) yield { name, type, rrset }
    }
  }

  /** Makes the changes of another draft, which was made upon this one. */
  take(other: ZoneDraft): void {
    for (const change of other.changes()) this.#change(change)
  }

  #change({ name, type, rrset }: RrsetChange): void {
    const before = this.rrset(name, type)
    this.recordDelta += (rrset?.size ?? 0) - (before?.size ?? 0)
    this.byteDelta += (rrset?.bytes ?? 0) - (before?.bytes ?? 0)
    const types = this.#changes.get(name)
    if (types === undefined) this.#changes.set(name, new Map([[type, rrset]]))
    else types.set(type, rrset)
  }
}
