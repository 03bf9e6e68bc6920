import { KEY_DIGESTS_MAX, NSEC3_ROUNDS_MAX, SIGNATURE_CHECKS_MAX } from '../limits.ts'
import type { DnsName } from '../wire/dns-name.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import { type NsecAt, readNsecs } from './nsec.ts'
import { type Nsec3At, readNsec3s } from './nsec3-record.ts'
import { Refused } from './outcome.ts'
import type { RecordBag, SignedSet } from './record-bag.ts'
import type { HeldSet, SecureZone } from './secure-zone.ts'
import type { ValidationContext, ValidationStep } from './validation.ts'

const BUDGETS = {
  'signature checks': SIGNATURE_CHECKS_MAX,
  'key digests': KEY_DIGESTS_MAX,
  'hash rounds': NSEC3_ROUNDS_MAX,
} as const

/** What one validation has, has found and may still spend. */
export class Work {
  readonly bag: RecordBag
  readonly context: ValidationContext
  readonly steps: ValidationStep[] = []
  /** The name that is looked at: the one asked, or where aliases led from it. */
  name: DnsName | undefined
  /** Sets whose signature was found to hold. */
  readonly held = new Map<SignedSet, HeldSet>()
  readonly zones = new Map<DnsName, SecureZone>()
  /** NSEC3 hashes by parameters and name: several records of one zone ask for the same. */
  readonly hashes = new Map<string, string>()
  readonly #nsecs = new Map<DnsName, readonly NsecAt[]>()
  readonly #nsec3s = new Map<DnsName, readonly Nsec3At[]>()
  readonly #spent = new Map<string, number>()

  constructor(bag: RecordBag, context: ValidationContext) {
    this.bag = bag
    this.context = context
  }

  /**
   * Counts work before it is done, so that an answer made to cost much is refused instead (KeyTrap,
   * CVE-2023-50387; NSEC3, CVE-2023-50868).
   * @throws Refused `budget`
   */
  spend(what: keyof typeof BUDGETS, amount = 1): void {
    const spent = (this.#spent.get(what) ?? 0) + amount
    if (spent > BUDGETS[what]) {
      throw new Refused('budget', `Cannot spend ${spent} ${what}, limit ${BUDGETS[what]}`)
    }
    this.#spent.set(what, spent)
  }

  /** The NSEC records of a zone, read once: a way down of many labels asks for them at each. */
  nsecsOf(zone: DnsName): readonly NsecAt[] {
    let nsecs = this.#nsecs.get(zone)
    if (nsecs === undefined) {
      nsecs = readNsecs(this.bag.single(TYPE.NSEC), zone)
      this.#nsecs.set(zone, nsecs)
    }
    return nsecs
  }

  /** The NSEC3 records of a zone, read once. */
  nsec3sOf(zone: DnsName): readonly Nsec3At[] {
    let nsec3s = this.#nsec3s.get(zone)
    if (nsec3s === undefined) {
      nsec3s = readNsec3s(this.bag.single(TYPE.NSEC3), zone)
      this.#nsec3s.set(zone, nsec3s)
    }
    return nsec3s
  }

  /** Notes what was looked at. */
  note(zone: DnsName, what: string, outcome: ValidationStep['outcome']): void {
    this.steps.push({ zone, what, outcome })
  }

  /** The records that anchor a zone: all that were given for it. */
  anchorOf(zone: DnsName): readonly DnsRecord[] {
    return this.context.anchors
      .filter((anchor) => anchor.zone === zone)
      .flatMap((anchor) => anchor.records)
      .filter((record) => record.name === zone)
  }
}
