import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CLASS,
  DnsError,
  EMPTY_MESSAGE,
  RCODE,
  sameRecord,
  TYPE,
  typeName,
  UDP_BYTES_MAX,
  type DnsName,
  type DnsRecord,
  type Message,
} from '../proof.ts'
import type { TsigKey } from '../tsig.ts'
import { newId, type Primary } from '../update/primary.ts'
import { checkRcode } from '../update/refusal.ts'
import { askSigned } from '../update/signed-exchange.ts'
import { transferZone } from '../update/transfer-client.ts'
import { askUpdate } from '../update/update-client.ts'
import { SEEN_MS_MAX, SEEN_PAUSE_MS, SEEN_PAUSE_MS_MAX, SEEN_QUESTIONS_MAX } from './limits.ts'
import { checkEdits, isOwnersType } from './owner-records.ts'
import { changesOf, isVital, prerequisiteOf } from './update-records.ts'
import { unwantedIn, type Wanted, wantedAfter, wildcardsOver } from './wanted-state.ts'
import type { ZoneBackend, ZoneCondition, ZoneEdit } from './zone-backend.ts'

/** A zone on a server that takes updates, such as BIND with `inline-signing no`, or Knot. */
export interface Rfc2136Options {
  readonly zone: DnsName
  /** The primary; an IP address. */
  readonly server: { readonly address: string; readonly port: number }
  /** It may update the zone, and transfer it for `list`. */
  readonly key: TsigKey
  /** ms since the Unix epoch; default: the system's clock. */
  readonly now?: () => number
  /** Secret random bytes; default: the system's. */
  readonly random?: (length: number) => Uint8Array
}

/** How a change or a look may be ended. */
interface Cancel {
  readonly signal?: AbortSignal
}

/**
 * Keeps a zone on another server: changes by signed updates (RFC 2136, RFC 8945), each as one
 * message and so in whole or not at all; lists it by a signed transfer. Nothing is opened until it
 * is used. The server signs the zone.
 */
export function openRfc2136Backend(options: Rfc2136Options): ZoneBackend {
  return new Rfc2136Backend(options)
}

class Rfc2136Backend implements ZoneBackend {
  readonly zone: DnsName
  readonly #primary: Primary

  constructor({ zone, server, key, now = Date.now, random = randomBytes }: Rfc2136Options) {
    this.zone = zone
    this.#primary = { server, key, now, random }
  }

  async apply(
    edits: readonly ZoneEdit[],
    options: Cancel & { readonly conditions?: readonly ZoneCondition[] } = {},
  ): Promise<void> {
    const { conditions = [] } = options
    options.signal?.throwIfAborted()
    checkEdits(this.zone, edits, conditions)
    const current = await this.#vitalRecords(edits, options)
    const update = {
      zone: this.zone,
      prerequisites: conditions.map(prerequisiteOf),
      updates: edits.flatMap((edit) => changesOf(edit, this.zone, current)),
    }
    const { message, repeated } = await askUpdate(update, this.#primary, options)
    const wanted = wantedAfter(edits)
    // Of two copies of one update the second may fail because the first one was made.
    if (repeated && conditions.length > 0 && isConflict(message)) {
      if ((await this.#unseen(wanted, options)).length === 0) return
    }
    checkRcode(message, `Cannot change ${this.zone}`)
    await this.#untilSeen(wanted, options)
  }

  async list(options: Cancel = {}): Promise<readonly DnsRecord[]> {
    const records = await transferZone(this.zone, this.#primary, options)
    return records.filter(({ type }) => isOwnersType(type))
  }

  /** The zone's own SOA and NS, where edits replace them. */
  async #vitalRecords(edits: readonly ZoneEdit[], options: Cancel): Promise<readonly DnsRecord[]> {
    const vital = edits.filter((edit) => isVital(edit, this.zone))
    const types = [...new Set(vital.map(({ type }) => type!))]
    const answers = await Promise.all(types.map((type) => this.#ask(this.zone, type, options)))
    return answers.flatMap((answer) => answer.answers.filter(({ name }) => name === this.zone))
  }

  /** @throws DnsError `unreachable` if the server does not answer by the change in time */
  async #untilSeen(wanted: readonly Wanted[], options: Cancel): Promise<void> {
    let unseen = wanted
    let wait = SEEN_PAUSE_MS
    for (let waited = 0; ; waited += wait, wait = Math.min(wait * 2, SEEN_PAUSE_MS_MAX)) {
      unseen = await this.#unseen(unseen, options)
      const first = unseen[0]
      if (first === undefined) return
      if (waited >= SEEN_MS_MAX) {
        const { name, type } = first
        const what = type === undefined ? name : `${name} ${typeName(type)}`
        const why = `its server took the change and answers otherwise for ${what}`
        throw new DnsError('unreachable', `Cannot see the change of ${this.zone}: ${why}`)
      }
      await pause(wait, undefined, options).catch((cause: unknown) => {
        options.signal?.throwIfAborted()
        throw cause
      })
    }
  }

  async #unseen(wanted: readonly Wanted[], options: Cancel): Promise<readonly Wanted[]> {
    const unseen: Wanted[] = []
    for (let at = 0; at < wanted.length; at += SEEN_QUESTIONS_MAX) {
      const some = wanted.slice(at, at + SEEN_QUESTIONS_MAX)
      const seen = await Promise.all(some.map((each) => this.#isSeen(each, options)))
      unseen.push(...some.filter((_, index) => seen[index] !== true))
    }
    return unseen
  }

  async #isSeen(wanted: Wanted, options: Cancel): Promise<boolean> {
    const { name, type = TYPE.ANY } = wanted
    const unwanted = unwantedIn(await this.#ask(name, type, options), wanted, this.zone)
    if (unwanted === 'missing') return false
    if (unwanted.length === 0) return true
    // A wildcard may answer in the place of what is gone, under a signature like any other.
    for (const wildcard of wildcardsOver(name, this.zone)) {
      const { answers } = await this.#ask(wildcard, type, options)
      const made = answers.map((record) => ({ ...record, name }))
      if (unwanted.every((record) => made.some((other) => sameRecord(record, other)))) return true
    }
    return false
  }

  /** A question to the primary, signed so that nobody else answers it. */
  async #ask(name: DnsName, type: number, options: Cancel): Promise<Message> {
    const query = {
      ...EMPTY_MESSAGE,
      id: newId(this.#primary),
      questions: [{ name, type, class: CLASS.IN }],
      edns: { udpBytes: UDP_BYTES_MAX, version: 0, dnssecOk: false, options: [] },
    }
    // Over UDP a server may leave out most of "any" (RFC 8482 section 4.4).
    const { message } = await askSigned(query, this.#primary, {
      ...options,
      tcp: type === TYPE.ANY,
    })
    if (message.rcode !== RCODE.NXDOMAIN) checkRcode(message, `Cannot ask for ${name}`)
    return message
  }
}

function isConflict({ rcode }: Message): boolean {
  const conflicts: readonly number[] = [
    RCODE.YXDOMAIN,
    RCODE.YXRRSET,
    RCODE.NXDOMAIN,
    RCODE.NXRRSET,
  ]
  return conflicts.includes(rcode)
}
