import { isName, type Name } from '@ixj/names'
import { fromBase64url, toBase64url, TrustError } from '@ixj/trust'
import { DnsError, isDnsName, type KeyRecord } from '../proof.ts'
import { formatKnownRecord, parseKnownRecord } from '../proof/records/key-record-text.ts'
import type { Lease, RecordSet, Rotation, Work } from './lease.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

const PHASES = ['claiming', 'published', 'suspended', 'removing'] as const
const ZONE_WORK = ['claim', 'undo', 'keys', 'records', 'withdraw', null] as const
const EVENTS = [
  'published',
  'resumed',
  'renewed',
  'rotating',
  'rotated',
  'suspended',
  'removed',
  'lease-ended',
  null,
] as const

/** A lease as the text in which it is stored; name and revision stand beside it. */
export function formatLease(lease: Lease): string {
  const { name: _, revision: __, ...rest } = lease
  return JSON.stringify({
    ...rest,
    keys: lease.keys.map((record) => formatKnownRecord(record)),
    sets: lease.sets.map(setText),
    stale: lease.stale.map(setText),
    rotation: lease.rotation === null ? null : rotationText(lease.rotation),
    removedKeys: lease.removedKeys.map((key) => toBase64url(key)),
  })
}

function setText({ name, type, ttl, data }: RecordSet): JsonObject {
  return { name, type, ttl, data: data.map((bytes) => toBase64url(bytes)) }
}

function rotationText(rotation: Rotation): JsonObject {
  const { nextKey, replaces } = rotation
  return { ...rotation, nextKey: toBase64url(nextKey), replaces: toBase64url(replaces) }
}

/** Reads a lease as it was stored. @throws DnsError `storage` if the text is damaged */
export function parseLease(stored: {
  readonly name: string
  readonly revision: number
  readonly text: string
}): Lease {
  const { name, revision, text } = stored
  try {
    if (!isName(name)) throw damaged('name')
    return readLease(name, revision, object(JSON.parse(text) as Json))
  } catch (cause) {
    if (!(cause instanceof DnsError || cause instanceof TrustError || isSyntaxError(cause))) {
      throw cause
    }
    const shown = JSON.stringify(name.slice(0, 80))
    throw new DnsError('storage', `Cannot read the lease of ${shown}: it is damaged`, { cause })
  }
}

function isSyntaxError(cause: unknown): boolean {
  return cause instanceof SyntaxError
}

function readLease(name: Name, revision: number, fields: JsonObject): Lease {
  return {
    name,
    revision,
    phase: oneOf(fields, 'phase', PHASES),
    keys: list(fields, 'keys').map(readKey),
    keyTtlSeconds: number(fields, 'keyTtlSeconds'),
    mirrorKeys: flag(fields, 'mirrorKeys'),
    sets: list(fields, 'sets').map(readSet),
    stale: list(fields, 'stale').map(readSet),
    leaseSeconds: numberOrNull(fields, 'leaseSeconds'),
    endsAt: numberOrNull(fields, 'endsAt'),
    noticeAt: numberOrNull(fields, 'noticeAt'),
    rotation: fields['rotation'] === null ? null : readRotation(object(fields['rotation'])),
    removedKeys: list(fields, 'removedKeys').map((key) => fromBase64url(string(key))),
    work: fields['work'] === null ? null : readWork(object(fields['work'])),
  }
}

function readKey(text: Json): KeyRecord {
  const reading = parseKnownRecord(string(text))
  if (reading.outcome !== 'record') throw damaged('keys')
  return reading.record
}

function readSet(value: Json): RecordSet {
  const fields = object(value)
  const name = string(fields['name'])
  if (!isDnsName(name)) throw damaged('sets')
  const data = list(fields, 'data').map((bytes) => fromBase64url(string(bytes)))
  return { kind: 'set', name, type: number(fields, 'type'), ttl: number(fields, 'ttl'), data }
}

function readRotation(fields: JsonObject): Rotation {
  return {
    nextKey: fromBase64url(string(fields['nextKey'])),
    replaces: fromBase64url(string(fields['replaces'])),
    switchAt: number(fields, 'switchAt'),
    dropAt: number(fields, 'dropAt'),
    switched: flag(fields, 'switched'),
  }
}

function readWork(fields: JsonObject): Work {
  return {
    zone: oneOf(fields, 'zone', ZONE_WORK),
    event: oneOf(fields, 'event', EVENTS),
    attempts: number(fields, 'attempts'),
    retryAt: number(fields, 'retryAt'),
  }
}

function object(value: Json | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || isList(value)) throw damaged('object')
  return value
}

function list(fields: JsonObject, field: string): readonly Json[] {
  const value = fields[field]
  if (value === undefined || !isList(value)) throw damaged(field)
  return value
}

// Array.isArray does not narrow a readonly array.
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function string(value: Json | undefined): string {
  if (typeof value !== 'string') throw damaged('text')
  return value
}

function number(fields: JsonObject, field: string): number {
  const value = fields[field]
  if (typeof value !== 'number') throw damaged(field)
  return value
}

function numberOrNull(fields: JsonObject, field: string): number | null {
  return fields[field] === null ? null : number(fields, field)
}

function flag(fields: JsonObject, field: string): boolean {
  const value = fields[field]
  if (typeof value !== 'boolean') throw damaged(field)
  return value
}

function oneOf<const Known>(fields: JsonObject, field: string, known: readonly Known[]): Known {
  const found = known.find((each) => each === fields[field])
  if (found === undefined) throw damaged(field)
  return found
}

function damaged(field: string): DnsError {
  return new DnsError('storage', `Cannot read lease: its ${field} is damaged`)
}
