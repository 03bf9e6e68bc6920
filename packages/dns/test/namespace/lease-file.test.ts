import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseName, type Name } from '@ixj/names'
import { DnsError, type Lease, openLeaseFile, parseDnsName } from '@ixj/dns'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatLease, parseLease } from '../../src/namespace/lease-text.ts'
import { dueAt } from '../../src/namespace/lease.ts'
import { keyRecords, names } from '../records/records.ts'
import { coded, keyRecord, planner, seed } from './scene.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ixj-leases-'))
  path = join(folder, 'leases.db')
})

afterEach(async () => await rm(folder, { recursive: true, force: true }))

function lease(name: Name = planner, changes: Partial<Lease> = {}): Lease {
  return {
    name,
    revision: 0,
    phase: 'published',
    keys: [keyRecord()],
    keyTtlSeconds: 300,
    mirrorKeys: false,
    sets: [],
    stale: [],
    leaseSeconds: 60,
    endsAt: 1_000,
    noticeAt: null,
    rotation: null,
    removedKeys: [],
    work: null,
    ...changes,
  }
}

/** `read`, or the code of the refusal; any other error passes through. */
function outcomeOf(text: string): string {
  try {
    parseLease({ name: planner, revision: 1, text })
    return 'read'
  } catch (cause) {
    if (cause instanceof DnsError) return cause.code
    throw cause
  }
}

const time = fc.integer({ min: 0, max: 2 ** 50 })
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
const sets = fc.array(
  fc.record({
    kind: fc.constant('set' as const),
    name: names.map((name) => parseDnsName(name)),
    type: fc.integer({ min: 1, max: 65_535 }),
    ttl: fc.integer({ min: 1, max: 86_400 }),
    data: fc.array(bytes, { minLength: 1, maxLength: 3 }),
  }),
  { maxLength: 3 },
)
const leases: fc.Arbitrary<Lease> = fc.record({
  name: names,
  revision: fc.integer({ min: 0, max: 2 ** 50 }),
  phase: fc.constantFrom('claiming', 'published', 'suspended', 'removing'),
  keys: fc.array(keyRecords, { maxLength: 4 }),
  keyTtlSeconds: fc.integer({ min: 1, max: 86_400 }),
  mirrorKeys: fc.boolean(),
  sets,
  stale: sets,
  leaseSeconds: fc.option(time),
  endsAt: fc.option(time),
  noticeAt: fc.option(time),
  rotation: fc.option(
    fc.record({
      nextKey: bytes,
      replaces: bytes,
      switchAt: time,
      dropAt: time,
      switched: fc.boolean(),
    }),
  ),
  removedKeys: fc.array(bytes, { maxLength: 3 }),
  work: fc.option(
    fc.record({
      zone: fc.constantFrom('claim', 'undo', 'keys', 'records', 'withdraw', null),
      event: fc.constantFrom('published', 'resumed', 'renewed', 'rotating', 'rotated', null),
      attempts: fc.integer({ min: 0, max: 100 }),
      retryAt: time,
    }),
  ),
})

describe('the text of a lease', () => {
  test('gives back every lease', () => {
    fc.assert(
      fc.property(leases, (each) => {
        const { name, revision } = each
        expect(parseLease({ name, revision, text: formatLease(each) })).toEqual(each)
      }),
      { seed, numRuns: 200 },
    )
  })

  test('is refused if it is damaged, whatever the damage', () => {
    const text = formatLease(lease(planner, { removedKeys: [Uint8Array.of(1)] }))
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 2 }), (at, middle) => {
        const damaged = text.slice(0, at) + middle + text.slice(at + 1)
        expect(outcomeOf(damaged)).toMatch(/^(read|storage)$/)
      }),
      { seed, numRuns: 1_000 },
    )
    for (const damaged of ['', '{}', 'null', '[]', text.replace('"published"', '"gone"')]) {
      expect(() => parseLease({ name: planner, revision: 1, text: damaged })).toThrow(
        coded('storage'),
      )
    }
  })
})

describe('openLeaseFile()', () => {
  test('keeps leases across restarts, readable for its owner alone', async () => {
    {
      await using file = openLeaseFile(path)
      const stored = file.put(lease())
      expect(stored).toEqual({ ...lease(), revision: 1 })
      file.put({ ...stored, phase: 'suspended' })
      for (const each of [path, `${path}-wal`]) expect(statSync(each).mode & 0o777).toBe(0o600)
    }
    await using again = openLeaseFile(path)
    expect(again.get(planner)).toEqual({ ...lease(), revision: 2, phase: 'suspended' })
    expect(again.all()).toHaveLength(1)
  })

  test('gives what is due by its time, the most overdue first', async () => {
    await using file = openLeaseFile(path)
    for (const [label, endsAt] of [
      ['a', 30],
      ['b', 10],
      ['c', 20],
      ['d', null],
    ] as const) {
      file.put(lease(parseName(`${label}.acme.example`), { endsAt }))
    }
    const due = (now: number, limit = 9) => file.due(now, limit).map(({ name }) => name[0])
    expect(file.nextDue()).toBe(10)
    expect(due(9)).toEqual([])
    expect(due(20)).toEqual(['b', 'c'])
    expect(due(99)).toEqual(['b', 'c', 'a'])
    expect(due(99, 1)).toEqual(['b'])
  })

  test('lets nobody overwrite what another process has changed in between', async () => {
    await using file = openLeaseFile(path)
    await using other = openLeaseFile(path)
    const stored = file.put(lease())
    expect(() => other.put(lease())).toThrow(coded('zone'))
    const changed = other.put({ ...other.get(planner)!, phase: 'removing' })
    expect(() => file.put(stored)).toThrow(coded('zone'))
    expect(() => file.delete(stored)).toThrow(coded('zone'))
    expect(file.get(planner)).toEqual(changed)
    file.delete(changed)
    expect(other.get(planner)).toBeUndefined()
    expect(() => other.put(changed)).toThrow(coded('zone'))
  })

  test('takes so many names and no more', async () => {
    await using file = openLeaseFile(path, { namesMax: 2 })
    const stored = file.put(lease(parseName('a.acme.example')))
    file.put(lease(parseName('b.acme.example')))
    expect(() => file.put(lease())).toThrow(coded('limit'))
    file.put({ ...stored, phase: 'suspended' })
  })

  test('refuses a file that others may read, and one that is something else', async () => {
    await openLeaseFile(path)[Symbol.asyncDispose]()
    chmodSync(path, 0o644)
    expect(() => openLeaseFile(path)).toThrow(/chmod 600/)
    const other = join(folder, 'other.db')
    writeFileSync(other, '', { mode: 0o600 })
    using database = new DatabaseSync(other)
    database.exec('CREATE TABLE zone (one INTEGER)')
    expect(() => openLeaseFile(other)).toThrow(coded('storage'))
    writeFileSync(join(folder, 'text'), 'no database at all, but some text', { mode: 0o600 })
    expect(() => openLeaseFile(join(folder, 'text'))).toThrow(coded('storage'))
  })

  test('says that a row is damaged', async () => {
    await using file = openLeaseFile(path)
    file.put(lease())
    using database = new DatabaseSync(path)
    database.exec("UPDATE lease SET text = '{}'")
    expect(() => file.get(planner)).toThrow(coded('storage'))
  })
})

test('dueAt() is the first of all that falls due; a retry holds up all but the end', () => {
  const rotation = { nextKey: keyRecord().key, replaces: keyRecord().key, switchAt: 5, dropAt: 8 }
  const work = { zone: 'keys', event: null, attempts: 1, retryAt: 50 } as const
  const cases: readonly [Partial<Lease>, number | null][] = [
    [{ endsAt: null }, null],
    [{ endsAt: 10 }, 10],
    [{ endsAt: 10, noticeAt: 3 }, 3],
    [{ endsAt: 10, rotation: { ...rotation, switched: false } }, 5],
    [{ endsAt: 10, rotation: { ...rotation, switched: true } }, 8],
    [{ endsAt: 100, noticeAt: 3, work }, 50],
    [{ endsAt: 10, work }, 10],
    [{ phase: 'suspended', endsAt: 10 }, null],
    [{ phase: 'removing', endsAt: 10, work }, 50],
  ]
  for (const [changes, expected] of cases) expect(dueAt(lease(planner, changes))).toBe(expected)
})
