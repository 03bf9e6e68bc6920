import { equalBytes, sha256, toBase64url } from '@ixj/trust'
import { DnsError, KEY_RECORDS_MAX, type KeyRecord, formatKeyRecord } from '../proof.ts'
import { type NamespaceContext, newWork } from './context.ts'
import type { Lease } from './lease.ts'
import { OVERLAP_SECONDS, OVERLAP_SECONDS_MAX } from './limits.ts'

/** How a key is rotated. */
export interface RotateOptions {
  /** The public key to come, 32 bytes. It gets the rights of the one that it replaces. */
  readonly nextKey: Uint8Array
  /** Which of the name's keys goes; may be left out if there is one only. */
  readonly replaces?: Uint8Array
  /** The commitment of the next key in turn: SHA-256 of the key after it; default: none. */
  readonly next?: Uint8Array | null
  /** X25519, for sealed bodies; default: that of the key that it replaces. */
  readonly encryptionKey?: Uint8Array | null
  /** How long the old key stays after the next one counts; default {@link OVERLAP_SECONDS}. */
  readonly overlapSeconds?: number
  readonly signal?: AbortSignal
}

/**
 * The lease with the next key beside the one that it replaces. The next key counts (`nb`) when all
 * answers without it have ended: after the TTL of the keys, and the life of the zone's signatures.
 * @throws DnsError `argument`: no such key, one that is there already, one that is not the one
 * committed to (`n`), an overlap out of range; `zone`: a rotation is under way; `limit`
 */
export function leaseWithNextKey(
  context: NamespaceContext,
  lease: Lease,
  options: RotateOptions,
): Lease {
  const { nextKey, overlapSeconds = OVERLAP_SECONDS } = options
  const refuse = (code: 'argument' | 'zone' | 'limit', reason: string) =>
    new DnsError(code, `Cannot rotate the key of ${lease.name}: ${reason}`)
  if (lease.rotation !== null) {
    throw refuse('zone', `the rotation to ${toBase64url(lease.rotation.nextKey)} is under way`)
  }
  if (lease.keys.length >= KEY_RECORDS_MAX) {
    throw refuse('limit', `it has ${lease.keys.length} keys, limit ${KEY_RECORDS_MAX}`)
  }
  const overlapFits = overlapSeconds >= 0 && overlapSeconds <= OVERLAP_SECONDS_MAX
  if (!overlapFits || !Number.isInteger(overlapSeconds)) {
    throw refuse('argument', `an overlap of ${overlapSeconds} s, limit ${OVERLAP_SECONDS_MAX}`)
  }
  const old = replacedRecord(lease, options.replaces)
  if (old === undefined) throw refuse('argument', 'say which of its keys is to go')
  if (lease.keys.some(({ key }) => equalBytes(key, nextKey))) {
    throw refuse('argument', 'the next key is one that it has')
  }
  // "Without a commitment only a person replaces": with one, only the key that was committed to.
  if (old.next !== null && !equalBytes(sha256(nextKey), old.next)) {
    throw refuse('argument', 'the next key is not the one that its record commits to (n=)')
  }
  const switchAt = switchTime(context, lease)
  const record: KeyRecord = {
    ...old,
    key: nextKey,
    notBefore: switchAt,
    next: options.next ?? null,
    encryptionKey: options.encryptionKey === undefined ? old.encryptionKey : options.encryptionKey,
  }
  // A key or commitment that is none is found before anything is written.
  formatKeyRecord(record)
  const dropAt = switchAt + overlapSeconds * 1_000
  return {
    ...lease,
    keys: [...lease.keys, record],
    rotation: { nextKey, replaces: old.key, switchAt, dropAt, switched: false },
    work: newWork(context, { zone: 'keys', event: 'rotating' }),
  }
}

function replacedRecord({ keys }: Lease, key: Uint8Array | undefined): KeyRecord | undefined {
  if (key === undefined) return keys.length === 1 ? keys[0] : undefined
  return keys.find((record) => equalBytes(record.key, key))
}

/** When the last answer without a key that is published now has ended; whole seconds, in ms. */
function switchTime({ clock, signatureSeconds }: NamespaceContext, lease: Lease): number {
  const seconds = Math.ceil(clock.now() / 1_000) + lease.keyTtlSeconds + signatureSeconds
  return seconds * 1_000
}

/**
 * The lease with the times of its next key moved on, if that may come into the zone only now: its
 * first writing failed, or nobody knows.
 */
export function retimed(context: NamespaceContext, lease: Lease): Lease {
  const { rotation } = lease
  if (rotation === null || lease.work?.event !== 'rotating') return lease
  const switchAt = switchTime(context, lease)
  const dropAt = rotation.dropAt + switchAt - rotation.switchAt
  const keys = lease.keys.map((record) =>
    equalBytes(record.key, rotation.nextKey) ? { ...record, notBefore: switchAt } : record,
  )
  return context.leases.put({ ...lease, keys, rotation: { ...rotation, switchAt, dropAt } })
}

/** The lease without the key that was replaced; `nb` of the other is past and left out. */
export function leaseWithoutOldKey(context: NamespaceContext, lease: Lease): Lease {
  const { rotation } = lease
  if (rotation === null) return lease
  const keys = lease.keys
    .filter(({ key }) => !equalBytes(key, rotation.replaces))
    .map((record) =>
      equalBytes(record.key, rotation.nextKey) ? { ...record, notBefore: 0 } : record,
    )
  return {
    ...lease,
    keys,
    removedKeys: [...lease.removedKeys, rotation.replaces],
    work: newWork(context, { zone: 'keys', event: 'rotated' }),
  }
}
