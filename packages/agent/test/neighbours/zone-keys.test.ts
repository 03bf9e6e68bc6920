import type { Name } from '@ixj/names'
import {
  AnchorSet,
  makeStandpoint,
  NO_REVOCATIONS,
  StatementStore,
  utf8Bytes,
  type PublishedKey,
} from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { SignedZone } from '../../../../test/world/signed-zone.ts'
import { name, World } from '../../../../test/world/world.ts'
import {
  DNSSEC_CHECKED_MAX,
  DNSSEC_CHECKS_PER_SECOND,
  DNSSEC_FAILED_MS,
  DNSSEC_FETCHES_MAX,
  DNSSEC_FOLLOWED_MAX,
  DNSSEC_NAME_MS,
  DNSSEC_NAMES_MAX,
  DNSSEC_RETRY_MS,
} from '../../src/limits.ts'
import { Crossings } from '../../src/neighbours/crossings.ts'
import { FollowedNames } from '../../src/neighbours/followed-names.ts'
import { ProofBook } from '../../src/neighbours/proof-book.ts'
import { ZoneKeyBook, type ProvenName, type ZoneKeySource } from '../../src/neighbours/zone-keys.ts'
import { counted, HOUR, type Counted } from '../zone-scene.ts'

const PLANNER = name('planner.acme.example')
const OTHER = name('other.acme.example')

let world: World
let zone: SignedZone
let count: Counted
let source: ZoneKeySource
let book: ZoneKeyBook
let followed: FollowedNames

beforeEach(() => {
  world = new World(1)
  zone = new SignedZone(world, 'acme.example')
  count = counted(zone)
  source = count.source(new AnchorSet([zone.anchor()]))
  book = new ZoneKeyBook(source, world.clock, nodeSha256)
  followed = new FollowedNames(source, book, world.clock)
})
afterEach(() => world.close())

/** Publishes a new key of a name and gives it. */
function publish(owner = PLANNER, record = {}): Uint8Array {
  const key = world.key().publicKey
  zone.publish(owner, { key, ...record })
  return key
}

const keysIn = (records: Uint8Array) => book.proven(records).published.map(({ key }) => key)

let made = 0
/** Records that prove something, in bytes that nobody has seen. */
function variant(owner = PLANNER): Uint8Array {
  made += 1
  return zone.chainWith(`junk ${made}`, owner)
}

/** Records that prove nothing, in bytes that nobody has seen. */
function junk(): Uint8Array {
  made += 1
  return utf8Bytes(`junk ${made}`)
}

const rate = expect.objectContaining({ code: 'rate' }) as unknown

/** How many of the sets a giver could have checked now. */
async function accepted(sets: readonly Uint8Array[], from: string | null): Promise<number> {
  const outcomes = await Promise.allSettled(sets.map((records) => book.check(records, from)))
  const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  expect(refused).toEqual(refused.map(() => rate))
  return outcomes.length - refused.length
}

/** What an admitted neighbour tells is checked, and taken in. */
async function tell(records: Uint8Array): Promise<void> {
  await book.check(records, 'peer')
  book.learnFrom(records)
}

const many = <T>(amount: number, make: () => T) => Array.from({ length: amount }, make)

describe('ZoneKeyBook', () => {
  it('checks each set of records once, whoever brings it, also at the same time', async () => {
    const key = publish()
    const records = zone.chain(PLANNER)
    const copies = many(8, () => Uint8Array.from(records))
    await Promise.all(copies.map((copy, index) => book.check(copy, `peer ${index}`)))
    await book.check(Uint8Array.from(records), null)
    expect(count.checks).toBe(1)
    for (const copy of copies) expect(keysIn(copy)).toEqual([key])
  })

  it('takes in nothing of a stranger before it has proved its name', async () => {
    publish()
    const records = zone.chain(PLANNER)
    await book.check(records, null)
    expect(keysIn(records)).toHaveLength(1)
    expect(book.newest(PLANNER)).toBeUndefined()
    book.learnFrom(Uint8Array.from(records))
    expect(book.newest(PLANNER)?.keys).toHaveLength(1)
  })

  it('proves nothing that was not checked', async () => {
    publish()
    expect(book.proven(zone.chain(PLANNER))).toEqual({ published: [], unproven: [] })
  })

  it('gives each neighbour, and all strangers together, checks a second', async () => {
    publish()
    const junks = () => many(DNSSEC_CHECKS_PER_SECOND + 8, junk)
    expect(await accepted(junks(), 'loud')).toBe(DNSSEC_CHECKS_PER_SECOND)
    expect(count.checks).toBe(DNSSEC_CHECKS_PER_SECOND)
    expect(await accepted([variant()], 'loud')).toBe(0)
    expect(await accepted([variant()], 'quiet')).toBe(1)
    expect(await accepted(junks(), null)).toBe(DNSSEC_CHECKS_PER_SECOND)
    expect(await accepted([variant()], null)).toBe(0)
    await world.pass(1_000)
    expect(await accepted(junks(), 'loud')).toBe(DNSSEC_CHECKS_PER_SECOND)
  })

  it('says why records prove nothing, and forgets no proven ones for junk', async () => {
    const key = publish()
    const records = zone.chain(PLANNER)
    await book.check(records, 'honest')
    for (let sent = 0; sent <= DNSSEC_CHECKED_MAX; sent += 32) {
      await accepted(many(32, junk), 'loud')
      await world.pass(1_000)
    }
    const checks = count.checks
    await book.check(Uint8Array.from(records), 'honest')
    expect([count.checks, keysIn(Uint8Array.from(records))]).toEqual([checks, [key]])
    const bad = junk()
    await book.check(bad, 'honest')
    expect(book.proven(bad).unproven).toHaveLength(1)
  })

  it('forgets no records that somebody holds, for none that prove as much', async () => {
    const key = publish()
    const held = zone.chain(PLANNER)
    await book.check(held, 'honest')
    for (let sent = 0; sent <= DNSSEC_CHECKED_MAX; sent += 32) {
      await accepted(many(32, variant), 'loud')
      await world.pass(1_000)
    }
    expect(keysIn(held)).toEqual([key])
    expect(keysIn(Uint8Array.from(held))).toEqual([])
  })

  it('looks again at what did not hold yet', async () => {
    publish()
    const later = new World(1)
    await later.pass(5_000)
    const ahead = new SignedZone(later, 'acme.example')
    ahead.publish(PLANNER, { key: later.key().publicKey })
    const own = ahead.source(new AnchorSet([ahead.anchor()]))
    book = new ZoneKeyBook(own, world.clock, nodeSha256)
    const records = ahead.chain(PLANNER)
    await book.check(records, 'peer')
    expect(keysIn(records)).toEqual([])
    await world.pass(5_000)
    await book.check(Uint8Array.from(records), 'peer')
    expect(keysIn(records)).toEqual([])
    await world.pass(DNSSEC_FAILED_MS - 5_000)
    await book.check(Uint8Array.from(records), 'peer')
    // Also for who has held them since.
    expect(keysIn(records)).toHaveLength(1)
  })

  it('lets newer records take a key back, or what it may do; older ones bring nothing back', async () => {
    const key = publish(PLANNER, { hosts: [name('n1.acme.example')], uses: 'both' })
    const [old, replayed] = [zone.chain(PLANNER), variant()]
    await tell(old)
    const [before] = book.proven(old).published
    await world.pass(2_000)
    zone.publish(PLANNER, { key, uses: 'sign' })
    await tell(zone.chain(PLANNER))
    const [changed] = book.proven(old).published
    expect(changed).toMatchObject({ key, uses: 'sign', hosts: [] })
    expect(changed?.notAfter).toBe(before?.notAfter)
    expect([before!, changed!].map((each) => book.isOutvoted(each))).toEqual([true, false])
    await world.pass(2_000)
    publish()
    await tell(zone.chain(PLANNER))
    expect(keysIn(old)).toEqual([])
    expect(book.isOutvoted(changed!)).toBe(true)
    await tell(replayed)
    expect([keysIn(replayed), keysIn(old)]).toEqual([[], []])
  })

  it('lets two sets of one second stand beside each other', async () => {
    const keys = [publish(), publish(OTHER)]
    const old = zone.chain(PLANNER, OTHER)
    await tell(old)
    const next = publish()
    await tell(zone.chain(PLANNER))
    expect(keysIn(old)).toEqual(keys)
    expect(keysIn(zone.chain(PLANNER))).toEqual([next])
  })

  it('remembers names for two days, and no newcomer pushes one out', () => {
    for (let index = 0; index < DNSSEC_NAMES_MAX; index++) book.learn(provenName(index), {})
    book.learn(provenName(DNSSEC_NAMES_MAX), {})
    expect(book.newest(provenName(0).name)).toBeDefined()
    expect(book.newest(provenName(DNSSEC_NAMES_MAX).name)).toBeUndefined()
    book.learn(provenName(DNSSEC_NAMES_MAX), { own: true })
    expect(book.newest(provenName(DNSSEC_NAMES_MAX).name)).toBeDefined()
    const end = world.clock.now() + DNSSEC_NAME_MS
    book.sweep(end, () => false)
    expect(book.newest(provenName(1).name)).toBeDefined()
    book.sweep(end + 1, (each) => each === provenName(0).name)
    const left = [0, 1].map((index) => book.newest(provenName(index).name) !== undefined)
    expect(left).toEqual([true, false])
  })
})

/** What a zone could prove of one of very many names. */
function provenName(index: number): ProvenName {
  const owner = name(`x${index}.acme.example`)
  const now = world.clock.now()
  const keys: readonly PublishedKey[] = []
  return { name: owner, signedAt: now, notAfter: now + HOUR, keys, records: new Uint8Array(1) }
}

describe('FollowedNames', () => {
  it('asks again at half of the time, and then not again and again', async () => {
    publish()
    await followed.follow([PLANNER])
    expect(zone.asked).toBe(1)
    await world.pass(2 * HOUR - 1_000)
    await followed.refresh()
    expect(zone.asked).toBe(1)
    for (let second = 0; second < 3_600; second++) {
      await world.pass(1_000)
      await followed.refresh()
    }
    expect(zone.asked).toBeLessThanOrEqual(8)
    zone.renew()
    await world.pass(HOUR / 4)
    await followed.refresh()
    expect(book.newest(PLANNER)?.notAfter).toBeGreaterThan(world.clock.now() + 3 * HOUR)
  })

  it('asks for some at once, and one that fails hides no other', async () => {
    const names = many(DNSSEC_FETCHES_MAX + 4, () => name(`a${(made += 1)}.acme.example`))
    for (const owner of names) publish(owner)
    // They are at hand when `broken` begins to follow them.
    await followed.follow(names)
    const fetch = async (each: Name) => {
      if (each === names[0]) throw new Error('the resolver is closed')
      return await source.fetch(each)
    }
    const broken = new FollowedNames({ ...source, fetch }, book, world.clock)
    await broken.follow(names)
    await world.pass(3 * HOUR)
    zone.renew()
    zone.asked = 0
    await expect(broken.refresh()).rejects.toThrow('the resolver is closed')
    expect(zone.asked).toBe(DNSSEC_FETCHES_MAX - 1)
    await broken.refresh()
    expect(zone.asked).toBe(DNSSEC_FETCHES_MAX + 3)
    await broken.refresh()
    expect(zone.asked).toBe(DNSSEC_FETCHES_MAX + 3)
    await world.pass(HOUR)
    await expect(broken.refresh()).rejects.toThrow('the resolver is closed')
  })

  it('follows no name for longer than somebody does, none without an anchor, and so many', async () => {
    publish()
    const end = await followed.follow([PLANNER, name('a.globex.example')])
    const endTwo = await followed.follow([PLANNER])
    expect([followed.has(PLANNER), followed.has(name('a.globex.example'))]).toEqual([true, false])
    end()
    end()
    expect(followed.has(PLANNER)).toBe(true)
    endTwo()
    expect(followed.has(PLANNER)).toBe(false)
    zone.up = false
    const full = many(DNSSEC_FOLLOWED_MAX, () => name(`b${(made += 1)}.acme.example`))
    const endFull = await followed.follow(full)
    await expect(followed.follow([PLANNER])).rejects.toMatchObject({ code: 'argument' })
    endFull()
    await followed.follow([PLANNER])
    expect(followed.has(PLANNER)).toBe(true)
  })

  it('retries soon where nobody answered', async () => {
    publish()
    zone.up = false
    await followed.follow([PLANNER])
    zone.up = true
    await world.pass(DNSSEC_RETRY_MS - 1)
    await followed.refresh()
    expect(book.newest(PLANNER)).toBeUndefined()
    await world.pass(1)
    await followed.refresh()
    expect(book.newest(PLANNER)).toBeDefined()
  })

  it('goes on with records as long as they are fresh, whatever others tell', async () => {
    const key = publish()
    await followed.follow([PLANNER])
    const used = followed.recordsOf([PLANNER])
    expect(used).toHaveLength(1)
    await world.pass(5_000)
    zone.renew()
    await tell(zone.chain(PLANNER))
    expect(book.newest(PLANNER)).not.toBe(used[0])
    expect(followed.recordsOf([PLANNER], used)).toEqual(used)
    await world.pass(3 * HOUR)
    expect(followed.recordsOf([PLANNER], used)).toEqual([book.newest(PLANNER)])
    const other = publish()
    await tell(zone.chain(PLANNER))
    const [renewed] = followed.recordsOf([PLANNER], used)
    expect(renewed?.keys.map((each) => each.key)).toEqual([other])
    expect(other).not.toEqual(key)
  })

  it('takes of two sets signed at once the one that holds longer', async () => {
    publish()
    await followed.follow([PLANNER])
    const [good] = followed.recordsOf([PLANNER])
    await world.pass(5_000)
    zone.renew(PLANNER)
    const newest = zone.chain(PLANNER)
    const shortLived = {
      ...good!,
      signedAt: good!.signedAt + 5_000,
      notAfter: good!.notAfter - HOUR,
    }
    book.learn(shortLived, {})
    expect(followed.recordsOf([PLANNER], [good!])).toEqual([good])
    await tell(newest)
    expect(book.newest(PLANNER)?.notAfter).toBe(good!.notAfter + 5_000)
  })
})

describe('ProofBook over published keys', () => {
  it('makes a proof again when its records were renewed; the one before stays at hand', async () => {
    const crossings = new Crossings(makeStandpoint(PLANNER, []), world.clock, book)
    const beside = { zoneKeys: book, followed, crossings, revocations: NO_REVOCATIONS }
    const proofs = new ProofBook(new StatementStore(), nodeSha256, beside)
    const signer = world.key()
    zone.publish(PLANNER, { key: signer.publicKey })
    await followed.follow([PLANNER])
    const first = proofs.compose([], { name: PLANNER, signer })
    expect(proofs.materialOf(first).published).toHaveLength(1)
    expect(proofs.current(first)).toBe(first)
    const renew = async () => {
      await world.pass(3 * HOUR)
      zone.renew()
      await followed.refresh()
      return proofs.current(first)
    }
    const second = await renew()
    expect(proofs.current(first)).toBe(second)
    const third = await renew()
    const ids = [first, second, third].map(({ idText }) => idText)
    expect(new Set(ids).size).toBe(3)
    expect(ids.map((id) => proofs.get(id) !== undefined)).toEqual([false, true, true])
    expect(proofs.materialOf(third).published).toHaveLength(1)
  })
})
