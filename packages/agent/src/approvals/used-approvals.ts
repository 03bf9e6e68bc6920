import {
  decode,
  encode,
  readArray,
  readBytes,
  readList,
  readTime,
  SKEW_MS,
  toHex,
  type Value,
} from '@ixj/trust'
import type { Name } from '@ixj/names'
import {
  USED_APPROVALS_GRANT_MAX,
  USED_APPROVALS_PART_MAX,
  USED_APPROVALS_PARTS,
} from '../limits.ts'
import type { Store } from '../host/store.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { UsableApproval } from './usable-approval.ts'

interface Used {
  readonly id: Uint8Array
  /** The grant under which it was used. */
  readonly grant: Uint8Array
  /** When it holds nowhere any more, ms since the Unix epoch. */
  readonly until: number
}

const PART_BYTES_MAX = 64 * 1024

/**
 * Which approvals let a bundle pass, until they end: each does so once, over a restart too, or the
 * sender of one approved action could have it done again under another place of its stream. Written
 * only after all checks. When it is full, newcomers are refused and nothing is forgotten.
 */
export class UsedApprovals {
  readonly #store: Store
  readonly #prefix: string
  readonly #parts: readonly Map<string, Used>[]
  readonly #byGrant = new Map<string, number>()

  /** Use {@link openUsedApprovals}. */
  constructor(store: Store, prefix: string, parts: readonly (readonly Used[])[]) {
    this.#store = store
    this.#prefix = prefix
    this.#parts = parts.map((part) => new Map(part.map((used) => [toHex(used.id), used])))
    for (const part of this.#parts) for (const used of part.values()) this.#count(used.grant, 1)
  }

  /** Approvals remembered. */
  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.size, 0)
  }

  /** @throws Refusal `approval-used`, `table-full` */
  check(approvals: readonly UsableApproval[]): void {
    const added = new Map<Map<string, Used>, number>()
    for (const { approval, id, idText } of approvals) {
      const part = this.#part(id)
      if (part.has(idText)) {
        const by = `by ${approval.signed.signer}`
        throw new Refusal('approval-used', `Cannot use approval ${idText} ${by} twice`)
      }
      added.set(part, (added.get(part) ?? 0) + 1)
      const ofGrant = (this.#byGrant.get(toHex(approval.authority)) ?? 0) + approvals.length
      const isFull = part.size + added.get(part)! > USED_APPROVALS_PART_MAX
      if (!isFull && ofGrant <= USED_APPROVALS_GRANT_MAX) continue
      const limits = `${USED_APPROVALS_PART_MAX} of one part, ${USED_APPROVALS_GRANT_MAX} of one grant`
      throw new Refusal('table-full', `Cannot remember another used approval: limits ${limits}`)
    }
  }

  /**
   * Marks approvals as used, at once; resolves when that is safe on disk.
   * @throws what the store throws: they stay used while this node runs
   */
  async write(approvals: readonly UsableApproval[]): Promise<void> {
    const changed = new Set<Map<string, Used>>()
    for (const { approval, id, idText } of approvals) {
      const until = approval.notAfter + SKEW_MS
      this.#part(id).set(idText, { id, grant: approval.authority, until })
      this.#count(approval.authority, 1)
      changed.add(this.#part(id))
    }
    await Promise.all([...changed].map((part) => this.#save(part)))
  }

  /** Forgets those that have ended: their own end refuses them. */
  sweep(now: number): void {
    for (const part of this.#parts) {
      for (const [idText, { grant, until }] of part) {
        if (until >= now) continue
        part.delete(idText)
        this.#count(grant, -1)
      }
    }
  }

  #part(id: Uint8Array): Map<string, Used> {
    return this.#parts[id[0]! % USED_APPROVALS_PARTS]!
  }

  #count(grant: Uint8Array, change: number): void {
    const key = toHex(grant)
    const count = (this.#byGrant.get(key) ?? 0) + change
    if (count > 0) this.#byGrant.set(key, count)
    else this.#byGrant.delete(key)
  }

  async #save(part: Map<string, Used>): Promise<void> {
    const list = [...part.values()].map(({ id, grant, until }) => [id, grant, until])
    const key = keyOf(this.#prefix, this.#parts.indexOf(part))
    await this.#store.set(key, encode(list, { bytesMax: PART_BYTES_MAX }))
  }
}

/**
 * The approvals that a node has used, as its store remembers them.
 * @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed
 */
export async function openUsedApprovals(
  store: Store,
  node: Name,
  now: number,
): Promise<UsedApprovals> {
  const prefix = `approvals/${node}`
  const indices = Array.from({ length: USED_APPROVALS_PARTS }, (_, index) => index)
  const parts = await Promise.all(
    indices.map(async (index) => {
      const stored = await store.get(keyOf(prefix, index))
      return stored === undefined ? [] : readPart(stored).filter(({ until }) => until >= now)
    }),
  )
  return new UsedApprovals(store, prefix, parts)
}

function keyOf(prefix: string, index: number): string {
  return `${prefix}/${index}`
}

function readPart(bytes: Uint8Array): Used[] {
  return readList(decode(bytes, { bytesMax: PART_BYTES_MAX }), 'used approvals', {
    itemsMax: USED_APPROVALS_PART_MAX,
    item: (field: Value | undefined, what) => {
      const [id, grant, until] = readArray(field, what, 3)
      return {
        id: readBytes(id, `id of ${what}`),
        grant: readBytes(grant, `grant of ${what}`),
        until: readTime(until, `end of ${what}`),
      }
    },
  })
}
