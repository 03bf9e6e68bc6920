import type { NamespaceEvent } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { formatTime, toBase64url } from '@ixj/trust'
import { printable, type Record } from '../output.ts'

/** A time without its milliseconds, or "no end". */
export function timeText(time: number | null): string {
  return time === null ? 'no end' : formatTime(time).replace(/\.\d{3}Z$/, 'Z')
}

/** An event of a zone's names for programs. */
export function eventRecord(zone: Name, event: NamespaceEvent): Record {
  const { kind } = event
  const told = { event: kind, zone }
  switch (kind) {
    case 'published':
    case 'renewed':
    case 'resumed':
    case 'lease-ending':
      return { ...told, name: event.name, endsAt: event.endsAt }
    case 'rotating': {
      const { name, nextKey, replaces, switchAt, dropAt } = event
      const keys = { nextKey: toBase64url(nextKey), replaces: toBase64url(replaces) }
      return { ...told, name, ...keys, switchAt, dropAt }
    }
    case 'switched':
      return { ...told, name: event.name, key: toBase64url(event.key), dropAt: event.dropAt }
    case 'rotated': {
      const keys = { key: toBase64url(event.key), removed: toBase64url(event.removed) }
      return { ...told, name: event.name, ...keys }
    }
    case 'lease-ended':
    case 'suspended':
    case 'removed':
      return { ...told, name: event.name }
    case 'failed': {
      const { name, what, retryAt } = event
      return { ...told, name, what, message: messageOf(event.error), retryAt }
    }
    case 'lost':
      return { ...told, count: event.count }
  }
}

/** An event of a zone's names for people: what, which name, and what follows from it. */
export function eventCells(zone: Name, event: NamespaceEvent): readonly string[] {
  const { kind } = event
  const word = kind.padEnd(12)
  switch (kind) {
    case 'published':
    case 'renewed':
    case 'resumed':
    case 'lease-ending':
      return [word, event.name, untilText(event.endsAt)]
    case 'rotating':
      return [word, event.name, `its next key counts from ${timeText(event.switchAt)}`]
    case 'switched':
      return [word, event.name, `${toBase64url(event.key)} counts: sign with it from now on`]
    case 'rotated':
      return [word, event.name, `${toBase64url(event.removed)} is out of the zone`]
    case 'lease-ended':
    case 'suspended':
    case 'removed':
      return [word, event.name]
    case 'failed': {
      const again = event.retryAt === null ? 'given up' : `again at ${timeText(event.retryAt)}`
      const what = `cannot ${event.what} it: ${printable(messageOf(event.error))}; ${again}`
      return [word, event.name ?? zone, what]
    }
    case 'lost':
      return [word, zone, `${event.count} events came too fast to be told`]
  }
}

/** Until when a name stays. */
export function untilText(endsAt: number | null): string {
  return endsAt === null ? 'until it is removed' : `until ${timeText(endsAt)}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
