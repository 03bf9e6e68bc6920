import type { ZoneBackend, ZoneCondition, ZoneEdit } from '../backend/zone-backend.ts'
import {
  DnsError,
  type DnsName,
  type DnsRecord,
  readSoa,
  TYPE,
  writeSoa,
  type ZoneAnchor,
} from '../proof.ts'
import type { ServedZone } from './answer.ts'
import {
  COMMIT_MS_MAX,
  TYPES_PER_NAME_MAX,
  UPDATES_PER_COMMIT_MAX,
  UPDATES_WAITING_MAX,
  ZONE_BYTES_MAX,
  ZONE_RECORDS_MAX,
} from './limits.ts'
import { isOwnersType } from './record-rules.ts'
import { makeRrset, type Rrset } from './rrset.ts'
import { nextSerial } from './serial.ts'
import { ZoneContent } from './zone-content.ts'
import { ZoneDraft } from './zone-draft.ts'
import { applyEdits } from './zone-edits.ts'
import { ZoneFile } from './zone-file.ts'
import { zoneKeyOf, type ZoneKey } from './zone-key.ts'
import { ZoneSigner } from './zone-signer.ts'

/** TTL of the zone's key, in seconds: a restart with another key should not linger in caches. */
const KEY_TTL_SECONDS = 300

/** Where a zone lies, and its bounds. */
export interface ZoneStoreOptions {
  /** Its SQLite file, which `createZone` made. */
  readonly file: string
  /** Refused if the file is of another zone. */
  readonly zone?: DnsName
  /** Default {@link ZONE_RECORDS_MAX}. */
  readonly recordsMax?: number
  /** Of all records, about; default {@link ZONE_BYTES_MAX}. */
  readonly bytesMax?: number
  /** The largest size of the file; default: as the disk allows. */
  readonly fileBytesMax?: number
  /** From a signature's inception, an hour back, to its expiration; default 4 hours. */
  readonly signatureValidityMs?: number
}

/** One waiting change: `evaluate` writes into a draft, and may be run once only. */
interface Waiting {
  readonly evaluate: (draft: ZoneDraft) => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens the zone of a file, for this process alone.
 * @throws DnsError `storage`: no file, another process has it, others may read it (the message has
 * the command that cures it), or it is of another zone
 */
export async function openZoneStore(options: ZoneStoreOptions): Promise<ZoneStore> {
  const file = ZoneFile.open(options.file, options)
  try {
    if (options.zone !== undefined && options.zone !== file.zone) {
      const other = `it is of ${file.zone}, not of ${options.zone}`
      throw new DnsError('storage', `Cannot open ${options.file}: ${other}`)
    }
    return new ZoneStore(file, options)
  } catch (cause) {
    file[Symbol.dispose]()
    throw cause
  }
}

/**
 * A zone that its owner keeps: in memory for answers, on disk for good, with the key that signs it.
 * A server answers for it; as a {@link ZoneBackend} it is changed.
 */
export class ZoneStore implements ZoneBackend, ServedZone, AsyncDisposable {
  readonly zone: DnsName
  readonly content: ZoneContent
  readonly signer: ZoneSigner
  readonly #key: ZoneKey
  readonly #file: ZoneFile
  readonly #recordsMax: number
  readonly #bytesMax: number
  readonly #watchers = new Set<() => void>()
  #waiting: Waiting[] = []
  #closed = false

  /** Use {@link openZoneStore}. */
  constructor(file: ZoneFile, options: ZoneStoreOptions) {
    this.zone = file.zone
    this.#file = file
    this.#recordsMax = options.recordsMax ?? ZONE_RECORDS_MAX
    this.#bytesMax = options.bytesMax ?? ZONE_BYTES_MAX
    this.#key = zoneKeyOf(file.zone, file.seed, KEY_TTL_SECONDS)
    this.content = new ZoneContent(file.zone)
    for (const rrset of file.rrsets()) this.#take(rrset)
    for (const rrset of this.#madeRrsets()) this.#take(rrset)
    if (this.content.rrset(this.zone, TYPE.SOA) === undefined) {
      throw new DnsError('storage', `Cannot open ${options.file}: zone ${this.zone} has no SOA`)
    }
    const { signatureValidityMs: validityMs } = options
    const signing = validityMs === undefined ? {} : { validityMs }
    this.signer = new ZoneSigner(this.zone, this.#key, signing)
  }

  /** The zone's key, for those who trust the zone by their own decision. */
  get anchor(): ZoneAnchor {
    return { zone: this.zone, records: [this.#key.dnskey] }
  }

  /** The DS that the zone above has to publish. */
  get ds(): DnsRecord {
    return this.#key.ds
  }

  get serial(): number {
    return readSoa(this.#soa(this.content).records[0]!.data).serial
  }

  async apply(
    edits: readonly ZoneEdit[],
    options: { readonly conditions?: readonly ZoneCondition[]; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted()
    await this.change((draft) => applyEdits(draft, edits, options.conditions ?? []))
  }

  async list(options: { readonly signal?: AbortSignal } = {}): Promise<readonly DnsRecord[]> {
    options.signal?.throwIfAborted()
    const records: DnsRecord[] = []
    for (const rrset of this.content.rrsets()) {
      if (isOwnersType(rrset.type)) records.push(...rrset.records)
    }
    return records
  }

  /**
   * Runs a change on a draft of the zone as it will be; resolves when the change is on disk and
   * answers have it. Changes that wait together share one write. An error that `evaluate` throws
   * undoes its own change alone.
   * @throws DnsError `storage`, `limit`; whatever `evaluate` throws
   */
  change(evaluate: (draft: ZoneDraft) => void): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new DnsError('storage', `Cannot change ${this.zone}: it is closed`))
    }
    if (this.#waiting.length >= UPDATES_WAITING_MAX) {
      const reason = `${UPDATES_WAITING_MAX} changes wait, the limit`
      return Promise.reject(new DnsError('limit', `Cannot change ${this.zone}: ${reason}`))
    }
    if (this.#waiting.length === 0) setImmediate(() => this.#commitWaiting())
    return new Promise((resolve, reject) => this.#waiting.push({ evaluate, resolve, reject }))
  }

  /** Counts the serial up, so that secondaries fetch the zone with new signatures. */
  async touch(): Promise<void> {
    await this.change((draft) => this.#putSerial(draft))
  }

  /** Calls back after every change that was made. */
  watch(changed: () => void): Disposable {
    this.#watchers.add(changed)
    return { [Symbol.dispose]: () => this.#watchers.delete(changed) }
  }

  /** Makes the changes that wait, and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    while (this.#waiting.length > 0) this.#commitWaiting()
    this.#file[Symbol.dispose]()
  }

  #commitWaiting(): void {
    const draft = new ZoneDraft(this.content)
    const group: Waiting[] = []
    // What a later change saw of an earlier one is true only once it is on disk, so all wait.
    const settle: (() => void)[] = []
    const end = performance.now() + COMMIT_MS_MAX
    for (const waiting of this.#waiting) {
      if (group.length >= UPDATES_PER_COMMIT_MAX || performance.now() > end) break
      group.push(waiting)
      settle.push(this.#evaluate(draft, waiting))
    }
    this.#waiting.splice(0, group.length)
    if (this.#waiting.length > 0) setImmediate(() => this.#commitWaiting())
    try {
      if (!draft.isEmpty) this.#commit(draft)
    } catch (cause) {
      if (!(cause instanceof DnsError)) throw cause
      for (const { reject } of group) reject(cause)
      return
    }
    for (const done of settle) done()
    if (draft.isEmpty) return
    for (const changed of this.#watchers) changed()
  }

  #evaluate(group: ZoneDraft, { evaluate, resolve, reject }: Waiting): () => void {
    const draft = new ZoneDraft(group)
    try {
      evaluate(draft)
      this.#checkSize(group, draft)
    } catch (cause) {
      return () => reject(cause)
    }
    group.take(draft)
    return resolve
  }

  #commit(draft: ZoneDraft): void {
    if (!draft.touches(this.zone, TYPE.SOA) || !this.#serialIsNew(draft)) this.#putSerial(draft)
    this.#file.commit(draft.changes())
    for (const change of draft.changes()) {
      const before = this.content.apply(change)
      if (before !== undefined) this.signer.forget(before)
    }
  }

  #checkSize(group: ZoneDraft, draft: ZoneDraft): void {
    const records = this.content.recordCount + group.recordDelta + draft.recordDelta
    if (draft.recordDelta > 0 && records > this.#recordsMax) {
      const size = `${records} records, limit ${this.#recordsMax}`
      throw new DnsError('limit', `Cannot change ${this.zone}: ${size}`)
    }
    const bytes = this.content.bytes + group.byteDelta + draft.byteDelta
    if (draft.byteDelta > 0 && bytes > this.#bytesMax) {
      const size = `${bytes} bytes of records, limit ${this.#bytesMax}`
      throw new DnsError('limit', `Cannot change ${this.zone}: ${size}`)
    }
    for (const { name, rrset } of draft.changes()) {
      if (rrset === undefined || draft.rrsetsAt(name).length <= TYPES_PER_NAME_MAX) continue
      const size = `over ${TYPES_PER_NAME_MAX} types, the limit`
      throw new DnsError('limit', `Cannot change ${name}: ${size}`)
    }
  }

  #serialIsNew(draft: ZoneDraft): boolean {
    return readSoa(this.#soa(draft).records[0]!.data).serial !== this.serial
  }

  #putSerial(draft: ZoneDraft): void {
    const { name, type, ttl, records } = this.#soa(draft)
    const soa = readSoa(records[0]!.data)
    const data = [writeSoa({ ...soa, serial: nextSerial(soa.serial) })]
    draft.put(makeRrset({ name, type, ttl, data }))
  }

  #take(rrset: Rrset): void {
    this.content.apply({ name: rrset.name, type: rrset.type, rrset })
  }

  #soa(source: { rrset(name: DnsName, type: number): Rrset | undefined }): Rrset {
    const soa = source.rrset(this.zone, TYPE.SOA)
    if (soa === undefined) throw new Error(`Zone ${this.zone} has no SOA`)
    return soa
  }

  /** The key, and what a parent may fetch to name it (RFC 7344). */
  *#madeRrsets(): Generator<Rrset> {
    const { dnskey, ds } = this.#key
    const own = { name: this.zone, ttl: KEY_TTL_SECONDS }
    yield makeRrset({ ...own, type: TYPE.DNSKEY, data: [dnskey.data] })
    yield makeRrset({ ...own, type: TYPE.CDS, data: [ds.data] })
    yield makeRrset({ ...own, type: TYPE.CDNSKEY, data: [dnskey.data] })
  }
}
