import {
  CACHE_ENTRIES_MAX,
  LOOKUPS_RUNNING_MAX,
  NEGATIVE_TTL_SECONDS_MAX,
  openResolver,
  parseDnsName,
  POSITIVE_TTL_SECONDS_MAX,
  ROOT,
  TYPE,
  type DnsRecord,
  type Secure,
  type Upstream,
  type ZoneAnchor,
} from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BindServer, startBind } from '../../../../test/world/dns/bind.ts'
import { nsupdate } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { AnswerCache } from '../../src/resolver/answer-cache.ts'
import { CACHE_BYTES_MAX } from '../../src/resolver/limits.ts'
import { NewestSigned } from '../../src/resolver/newest-signed.ts'
import { SharedLookup } from '../../src/resolver/shared-lookup.ts'
import { Slots } from '../../src/resolver/slots.ts'
import { AGENTS, anchorOf, textsOf } from './zone-texts.ts'

const KEY = parseDnsName('_ixjkey.planner.agents.test')
const ASKED = { name: KEY, type: TYPE.TXT }

function textRecord(bytes: number): DnsRecord {
  return { name: KEY, type: TYPE.TXT, class: 1, ttl: 300, data: new Uint8Array(bytes) }
}

function secureAnswer(more: Partial<Secure> = {}): Secure {
  const records = [textRecord(40)]
  return {
    state: 'secure',
    answer: 'positive',
    zone: parseDnsName('agents.test'),
    anchor: parseDnsName('agents.test'),
    name: KEY,
    records,
    ttlSeconds: 300,
    signedAt: 0,
    expiresAt: 1e12,
    wildcard: false,
    used: records,
    steps: [],
    ...more,
  }
}

describe('AnswerCache', () => {
  it('keeps an answer for its TTL, which falls', () => {
    const cache = new AnswerCache()
    cache.set(ASKED, secureAnswer(), 1_000)
    expect(cache.get(ASKED, 1_000)).toMatchObject({ ttlSeconds: 300 })
    expect(cache.get(ASKED, 101_000)).toMatchObject({ ttlSeconds: 200 })
    expect(cache.get(ASKED, 300_999)).toMatchObject({ ttlSeconds: 1 })
    expect(cache.get(ASKED, 301_000)).toBeUndefined()
  })

  it('keeps nothing past a signature, an hour, or for a denial a minute', () => {
    const cache = new AnswerCache()
    const keptMs = (answer: Secure) => {
      cache.set(ASKED, answer, 0)
      let [low, high] = [0, 1e9]
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (cache.get(ASKED, middle) === undefined) {
          high = middle
          cache.set(ASKED, answer, 0)
        } else low = middle
      }
      return high
    }
    expect(keptMs(secureAnswer({ expiresAt: 5_500 }))).toBe(5_500)
    const forever = { ttlSeconds: 2 ** 31 - 1 }
    expect(keptMs(secureAnswer(forever))).toBe(POSITIVE_TTL_SECONDS_MAX * 1_000)
    const denial = secureAnswer({ ...forever, answer: 'nxdomain', records: [] })
    expect(keptMs(denial)).toBe(NEGATIVE_TTL_SECONDS_MAX * 1_000)
  })

  it('keeps what is bogus for a second, and what is unreachable not at all', () => {
    const cache = new AnswerCache()
    const fault = { message: 'x', steps: [] }
    cache.set(ASKED, { state: 'bogus', reason: 'expired', ...fault }, 0)
    expect(cache.get(ASKED, 999)).toMatchObject({ state: 'bogus' })
    expect(cache.get(ASKED, 1_000)).toBeUndefined()
    cache.set(ASKED, { state: 'unreachable', ...fault }, 0)
    expect(cache.get(ASKED, 0)).toBeUndefined()
  })

  it('forgets all when the clock was set back', () => {
    const cache = new AnswerCache()
    cache.set(ASKED, secureAnswer(), 1_000_000)
    expect(cache.get(ASKED, 999_999)).toBeUndefined()
  })

  it('holds so many entries, and drops the one that was used least recently', () => {
    const cache = new AnswerCache()
    const asked = (place: number) => ({ name: parseDnsName(`n${place}.test`), type: TYPE.TXT })
    for (let place = 0; place <= CACHE_ENTRIES_MAX; place++) {
      cache.set(asked(place), secureAnswer(), 0)
      cache.get(asked(0), 0)
    }
    expect(cache.entries).toBe(CACHE_ENTRIES_MAX)
    expect(cache.get(asked(0), 0)).toBeDefined()
    expect(cache.get(asked(1), 0)).toBeUndefined()
  })

  it('holds so many bytes', () => {
    const cache = new AnswerCache()
    const used = [textRecord(60_000)]
    for (let place = 0; place < 300; place++) {
      const name = parseDnsName(`n${place}.test`)
      cache.set({ name, type: TYPE.TXT }, secureAnswer({ used }), 0)
    }
    expect(cache.bytes).toBeLessThanOrEqual(CACHE_BYTES_MAX)
    expect(cache.entries).toBeGreaterThan(100)
    for (let at = 0; at < 300; at++) cache.get({ name: parseDnsName(`n${at}.test`), type: 16 }, 1e9)
    expect([cache.entries, cache.bytes]).toEqual([0, 0])
  })
})

describe('NewestSigned', () => {
  const [one, other] = [[textRecord(1)], [textRecord(2)]]

  it('refuses an older answer that says something else, absence too', () => {
    const newest = new NewestSigned()
    expect(newest.admit(secureAnswer({ signedAt: 5, records: one }), 16)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 7, records: other }), 16)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 6, records: one }), 16)).toBe(false)
    expect(newest.admit(secureAnswer({ signedAt: 6, records: [] }), 16)).toBe(false)
    expect(newest.admit(secureAnswer({ signedAt: 8, records: [] }), 16)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 7, records: other }), 16)).toBe(false)
  })

  it('takes an older signature over the same records, and is no younger for it', () => {
    const newest = new NewestSigned()
    expect(newest.admit(secureAnswer({ signedAt: 7, records: one }), 16)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 5, records: one }), 16)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 6, records: other }), 16)).toBe(false)
  })

  it('knows types and names apart', () => {
    const newest = new NewestSigned()
    expect(newest.admit(secureAnswer({ signedAt: 7, records: one }), TYPE.TXT)).toBe(true)
    expect(newest.admit(secureAnswer({ signedAt: 5, records: other }), TYPE.A)).toBe(true)
  })
})

describe('SharedLookup', () => {
  it('goes on while one waits, and ends with the last', async () => {
    const ended: unknown[] = []
    const lookup = new SharedLookup<string>(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended.push(signal.reason)
            reject(signal.reason as Error)
          })
        }),
    )
    const [first, second] = [new AbortController(), new AbortController()]
    const waits = [lookup.wait(first.signal), lookup.wait(second.signal)]
    first.abort(new Error('first'))
    await expect(waits[0]).rejects.toThrow('first')
    expect([ended.length, lookup.isAbandoned]).toEqual([0, false])
    second.abort(new Error('second'))
    await expect(waits[1]).rejects.toThrow('second')
    expect([ended.length, lookup.isAbandoned]).toEqual([1, true])
  })
})

describe('Slots', () => {
  it('are handed on in the order of asking, past those who gave up', async () => {
    const slots = new Slots(1)
    const never = new AbortController().signal
    const stop = new AbortController()
    const order: string[] = []
    const take = (who: string, signal: AbortSignal) =>
      slots.run(signal, async () => {
        order.push(who)
        await Promise.resolve()
      })
    const waits = [take('a', never), take('b', never), take('c', stop.signal), take('d', never)]
    stop.abort(new Error('enough'))
    const outcomes = await Promise.allSettled(waits)
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    await take('e', never)
    expect(order).toEqual(['a', 'b', 'd', 'e'])
  })
})

describe.runIf(realTools('what the resolver keeps', 'named', 'nsupdate'))(
  'openResolver() and what it keeps',
  () => {
    let bind: BindServer
    let anchor: ZoneAnchor
    let upstream: Upstream
    beforeAll(async () => {
      bind = await startBind({ zones: [{ name: 'agents.test', text: AGENTS }] })
      anchor = await anchorOf(bind, 'agents.test')
      upstream = { suffix: ROOT, transport: 'udp', address: '127.0.0.1', port: bind.port }
    })
    afterAll(async () => await bind[Symbol.asyncDispose]())

    it('asks once for equal lookups, and again past the TTL', async () => {
      let now = Date.now()
      await using resolver = openResolver({
        anchors: [anchor],
        upstreams: [upstream],
        now: () => now,
      })
      await Promise.all(Array.from({ length: 20 }, () => resolver.resolve(KEY, TYPE.TXT)))
      // The key of the name, and that of the zone.
      expect(resolver.counts).toMatchObject({ lookups: 20, questions: 2 })
      now += 299_000
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({ ttlSeconds: 1 })
      expect(resolver.counts).toMatchObject({ kept: 1, questions: 2 })
      now += 1_000
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({ ttlSeconds: 300 })
      expect(resolver.counts).toMatchObject({ kept: 1, questions: 4 })
    })

    it('answers more lookups at once than it runs', async () => {
      await using resolver = openResolver({ anchors: [anchor], upstreams: [upstream] })
      const names = Array.from({ length: LOOKUPS_RUNNING_MAX * 2 }, (_, place) =>
        parseDnsName(`n${place}.wild.agents.test`),
      )
      const found = await Promise.all(names.map((name) => resolver.resolve(name, TYPE.TXT)))
      expect(found.filter(({ state }) => state !== 'secure')).toEqual([])
    })

    it('sees a name within the negative TTL of its birth', async () => {
      let now = Date.now()
      await using resolver = openResolver({
        anchors: [anchor],
        upstreams: [upstream],
        now: () => now,
      })
      const name = parseDnsName('_ixjkey.newborn.agents.test')
      // The last field of the SOA is 2, its TTL 300.
      const absent = { state: 'secure', answer: 'nxdomain', ttlSeconds: 2 }
      expect(await resolver.resolve(name, TYPE.TXT)).toMatchObject(absent)
      const lines = [`update add ${name}. 300 TXT "born"`]
      await nsupdate({ port: bind.port, zone: 'agents.test', key: bind.key, lines })
      now += 1_999
      expect(await resolver.resolve(name, TYPE.TXT)).toMatchObject({ answer: 'nxdomain' })
      now += 1
      const found = await resolver.resolve(name, TYPE.TXT)
      expect('records' in found && textsOf(found.records)).toEqual(['born'])
    })

    it('leaves others waiting when one gives up, and asks nothing for one that gave up', async () => {
      await using resolver = openResolver({ anchors: [anchor], upstreams: [upstream] })
      const stop = new AbortController()
      const waits = [
        resolver.resolve(KEY, TYPE.TXT, { signal: stop.signal }),
        resolver.resolve(KEY, TYPE.TXT),
      ] as const
      stop.abort(new Error('enough'))
      await expect(waits[0]).rejects.toThrow('enough')
      expect(await waits[1]).toMatchObject({ state: 'secure' })
      const gone = { signal: stop.signal }
      await expect(resolver.resolve(KEY, TYPE.TXT, gone)).rejects.toThrow('enough')
      expect(resolver.counts.questions).toBe(2)
    })

    it('ends its lookups when it is disposed, twice without harm', async () => {
      const resolver = openResolver({
        anchors: [anchor],
        upstreams: [{ ...upstream, address: '127.0.0.2', port: bind.port }],
      })
      const waits = resolver.resolve(KEY, TYPE.TXT)
      await resolver[Symbol.asyncDispose]()
      await resolver[Symbol.asyncDispose]()
      expect(await waits).toMatchObject({ state: 'unreachable' })
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({
        state: 'unreachable',
        message: 'The resolver is closed',
      })
    })
  },
)
