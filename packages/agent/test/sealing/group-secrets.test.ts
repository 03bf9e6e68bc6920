import { ManualClock, memoryStore, type Sealer } from '@ixj/agent'
import { decodeApplication, fromHex, sha256, SKEW_MS, toHex } from '@ixj/trust'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { plainOpeningKey, plainSealer } from '../../../../test/world/reference/hpke.ts'
import { name } from '../../../../test/world/world.ts'
import { nodeSealer } from '../../../node/src/hpke-sealer.ts'
import { webCryptoSealer } from '../../../browser/src/web-crypto-sealer.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import type { GiverRight } from '../../src/sealing/giver-right.ts'
import {
  givingInfo,
  groupKeyInfo,
  groupSecretOf,
  readGiven,
  type GroupSecret,
} from '../../src/sealing/group-secret.ts'
import { GroupSecrets } from '../../src/sealing/group-secrets.ts'
import {
  SECRET_GIVERS_MAX,
  SECRET_LIFETIME_MS,
  SECRET_WAIT_MS,
  SECRET_WAITS_MAX,
  SECRET_WAITS_PER_SENDER_MAX,
  SECRETS_PER_GIVER_MAX,
} from '../../src/sealing/limits.ts'

const file = new URL('../../../../test/vectors/group-sealing.json', import.meta.url)
const vector = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>> & {
  readonly terms: {
    readonly topic: string
    readonly giver: string
    readonly giverKey: string
    readonly epoch: number
    readonly notAfter: number
  }
}
const terms = {
  ...vector.terms,
  topic: name(vector.terms.topic),
  giver: name(vector.terms.giver),
  giverKey: fromHex(vector.terms.giverKey),
}
const bytesOf = (member: string) => fromHex(vector[member]!)
const sealers: readonly (readonly [string, Sealer])[] = [
  ['the node’s', nodeSealer],
  ['a page’s', webCryptoSealer(crypto.subtle)],
  ['a second implementation’s', plainSealer((length) => new Uint8Array(length))],
]

/** A node's secrets, with the clock at the secret's epoch. */
async function openSecrets(sealer: Sealer = nodeSealer, store = memoryStore()) {
  const clock = new ManualClock({ now: terms.epoch })
  const failures: unknown[] = []
  /** Since when members are there, by their keys. */
  const present = new Map<string, number>()
  let count = 0
  const secrets = new GroupSecrets({
    clock,
    random: (length) => new Uint8Array(length).fill((count += 1)),
    hash: sha256,
    store,
    sealer,
    memberSince: (_topic, { key }) => present.get(toHex(key)),
    added: () => {},
    failed: (_topic, cause) => failures.push(cause),
  })
  await secrets.open(terms.topic)
  return { secrets, clock, store, failures, present }
}

const vectorSecret = groupSecretOf(terms, bytesOf('secret'), sha256)
/** By an owner, for ever. */
const always: GiverRight = {
  rank: 2,
  account: 'owner',
  until: Infinity,
  holds: () => true,
}
/** By a holder of `invite`. */
const invited: GiverRight = { ...always, rank: 130, account: 'invite' }

/** Another secret of the same group. */
function secretAt(epoch: number, key = terms.giverKey): GroupSecret {
  const own = { ...terms, giverKey: key, epoch, notAfter: epoch + SECRET_LIFETIME_MS }
  return groupSecretOf(own, new Uint8Array(32).fill(epoch % 251), sha256)
}

describe('the vector of group sealing', () => {
  it('has the id and the infos of its secret', () => {
    expect(toHex(vectorSecret.id)).toBe(vector['id'])
    expect(toHex(givingInfo(terms))).toBe(vector['givingInfo'])
    const { header } = decodeBundle(bytesOf('bundle'), sha256)
    expect(toHex(groupKeyInfo(header))).toBe(vector['keyInfo'])
  })

  it('is given to its member, and to nobody else', async () => {
    const given = readGiven(decodeApplication(bytesOf('given')))
    const [receiver] = given.receivers
    const member = plainOpeningKey(bytesOf('member'))
    expect(receiver?.recipient).toEqual(sha256(member.publicKey))
    const opened = await member.open(receiver!.sealed, givingInfo(terms))
    expect(toHex(opened!)).toBe(vector['secret'])
    const other = plainOpeningKey(new Uint8Array(32).fill(3))
    expect(await other.open(receiver!.sealed, givingInfo(terms))).toBeUndefined()
  })

  it.each(sealers)('is opened by %s', async (_, sealer) => {
    const { secrets } = await openSecrets(sealer)
    secrets.add(vectorSecret, always)
    const bundle = decodeBundle(bytesOf('bundle'), sha256)
    expect(bundle.idText).toBe(vector['bundleId'])
    const { encryption } = bundle.header
    const id = (encryption as { readonly secret: Uint8Array }).secret
    const opened = await secrets.openMessages(bundle.header, bundle.messagesBytes, {
      id,
      mayCome: true,
    })
    expect(toHex(opened)).toBe(vector['plain'])
  })
})

describe('what was sealed to a group', () => {
  const { header, messagesBytes } = decodeBundle(bytesOf('bundle'), sha256)

  it.each([
    ['with one bit of its ciphertext changed', {}, messagesBytes.with(20, messagesBytes[20]! ^ 1)],
    ['with one bit of its nonce changed', {}, messagesBytes.with(0, messagesBytes[0]! ^ 1)],
    ['without its last byte', {}, messagesBytes.slice(0, -1)],
    ['cut within its tag', {}, messagesBytes.slice(0, 20)],
    ['cut within its nonce', {}, messagesBytes.slice(0, 5)],
    ['empty', {}, new Uint8Array()],
    ['under another time', { sentAt: header.sentAt + 1 }, messagesBytes],
    ['in another stream', { epoch: header.epoch + 1 }, messagesBytes],
    ['as another sender’s', { sender: name('other.acme.example') }, messagesBytes],
    ['of another class', { class: 'task' }, messagesBytes],
  ] as const)('%s does not open', async (_, changes, bytes) => {
    for (const [, sealer] of sealers) {
      const { secrets } = await openSecrets(sealer)
      secrets.add(vectorSecret, always)
      const opening = secrets.openMessages({ ...header, ...changes }, bytes, {
        id: vectorSecret.id,
        mayCome: true,
      })
      await expect(opening).rejects.toMatchObject({ code: 'body' })
    }
  })

  it('has another nonce each time, so that equal messages differ', async () => {
    const { secrets } = await openSecrets()
    secrets.add(vectorSecret, always)
    const { digest: _digest, encryption: _encryption, ...fields } = header
    const once = await secrets.seal(bytesOf('plain'), fields)
    const again = await secrets.seal(bytesOf('plain'), fields)
    expect(toHex(once.messagesBytes)).not.toBe(toHex(again.messagesBytes))
    const opened = await secrets.openMessages({ ...header, ...again }, again.messagesBytes, {
      id: vectorSecret.id,
      mayCome: true,
    })
    expect(toHex(opened)).toBe(vector['plain'])
  })

  it('waits for its secret, and is missing it when the wait is over', async () => {
    const { secrets, clock } = await openSecrets()
    const waits = secrets.openMessages(header, messagesBytes, {
      id: vectorSecret.id,
      mayCome: true,
    })
    secrets.add(vectorSecret, always)
    expect(toHex(await waits)).toBe(vector['plain'])
    const other = secretAt(terms.epoch + 1)
    const never = secrets.openMessages(header, messagesBytes, { id: other.id, mayCome: true })
    const [outcome] = await Promise.all([
      never.catch((cause: unknown) => cause),
      clock.advance(SECRET_WAIT_MS),
    ])
    expect(outcome).toMatchObject({ code: 'secret-missing' })
  })

  it('of one sender keeps nobody else from waiting', async () => {
    const { secrets } = await openSecrets()
    const never = secretAt(terms.epoch + 1).id
    const flood = Array.from({ length: SECRET_WAITS_PER_SENDER_MAX + 1 }, () =>
      secrets.openMessages({ ...header, key: new Uint8Array(32) }, messagesBytes, {
        id: never,
        mayCome: true,
      }),
    )
    await expect(flood.pop()).rejects.toMatchObject({ code: 'secret-missing' })
    const waits = secrets.openMessages(header, messagesBytes, {
      id: vectorSecret.id,
      mayCome: true,
    })
    secrets.add(vectorSecret, always)
    expect(toHex(await waits)).toBe(vector['plain'])
    secrets.close()
    await Promise.allSettled(flood)
  })

  it('and waits keeps nobody here from waiting to send', async () => {
    const { secrets } = await openSecrets()
    const never = secretAt(terms.epoch + 1).id
    const flood = Array.from({ length: SECRET_WAITS_MAX }, (_, index) =>
      secrets.openMessages({ ...header, key: new Uint8Array(32).fill(index) }, messagesBytes, {
        id: never,
        mayCome: true,
      }),
    )
    const ready = secrets.ready(terms.topic, undefined)
    secrets.add(vectorSecret, always)
    await expect(ready).resolves.toBeUndefined()
    secrets.close()
    await Promise.allSettled(flood)
  })

  it('does not wait where too much waits already', async () => {
    const { secrets, clock } = await openSecrets()
    const some = Array.from({ length: SECRET_WAITS_MAX + 1 }, (_, index) =>
      secrets.openMessages(
        { ...header, key: new Uint8Array(32).fill(index % 256) },
        messagesBytes,
        { id: vectorSecret.id, mayCome: true },
      ),
    )
    await expect(some.at(-1)).rejects.toMatchObject({ code: 'secret-missing' })
    const settled = Promise.allSettled(some)
    await clock.advance(SECRET_WAIT_MS)
    expect((await settled).map(({ status }) => status)).not.toContain('fulfilled')
  })
})

describe('newest()', () => {
  it('is the latest epoch, of one epoch the higher key, in whatever order they come', async () => {
    const low = secretAt(terms.epoch, new Uint8Array(32).fill(1))
    const high = secretAt(terms.epoch, new Uint8Array(32).fill(2))
    const late = secretAt(terms.epoch + 1, new Uint8Array(32).fill(0))
    for (const order of [
      [low, high, late],
      [late, high, low],
      [high, late, low],
    ]) {
      const { secrets } = await openSecrets()
      for (const each of order) secrets.add(each, always)
      expect(secrets.newest(terms.topic)?.idText).toBe(late.idText)
    }
    const { secrets } = await openSecrets()
    secrets.add(high, always)
    secrets.add(low, always)
    expect(secrets.newest(terms.topic)?.idText).toBe(high.idText)
  })

  it('ends with the secret’s end, exact to the millisecond', async () => {
    const { secrets, clock } = await openSecrets()
    secrets.add(vectorSecret, always)
    await clock.advance(SECRET_LIFETIME_MS - 1)
    expect(secrets.newest(terms.topic)?.idText).toBe(vectorSecret.idText)
    await clock.advance(1)
    expect(secrets.newest(terms.topic)).toBeUndefined()
  })

  it('ends with its giver’s right and the skew, exact to the millisecond', async () => {
    const { secrets, clock } = await openSecrets()
    secrets.add(vectorSecret, { ...invited, until: terms.epoch + 1_000 })
    await clock.advance(1_000 + SKEW_MS)
    expect(secrets.newest(terms.topic)?.idText).toBe(vectorSecret.idText)
    await clock.advance(1)
    expect(secrets.newest(terms.topic)).toBeUndefined()
  })

  it('is none whose giver may give no more, nor one of before a restart', async () => {
    const { secrets, store, failures } = await openSecrets()
    let mayGive = true
    secrets.add(vectorSecret, { ...always, holds: () => mayGive })
    expect(secrets.newest(terms.topic)?.idText).toBe(vectorSecret.idText)
    mayGive = false
    expect(secrets.newest(terms.topic)).toBeUndefined()
    const again = await openSecrets(nodeSealer, store)
    expect(again.secrets.newest(terms.topic)).toBeUndefined()
    expect(again.secrets.has(vectorSecret)).toBe(true)
    expect(again.secrets.lastEpoch(terms.topic)).toBe(terms.epoch)
    again.secrets.add(vectorSecret, always)
    expect(again.secrets.newest(terms.topic)?.idText).toBe(vectorSecret.idText)
    expect(failures).toEqual([])
  })
})

describe('add()', () => {
  it('keeps an hour of what was superseded, and no longer', async () => {
    const { secrets, clock } = await openSecrets()
    secrets.add(vectorSecret, always)
    secrets.add(secretAt(terms.epoch + 1), always)
    await clock.advance(3_600_000 + 60_000)
    secrets.sweep(clock.now())
    expect(secrets.has(vectorSecret)).toBe(true)
    await clock.advance(1)
    secrets.sweep(clock.now())
    expect(secrets.has(vectorSecret)).toBe(false)
  })

  it('drops the oldest of an account past its room, whichever keys gave it, and nobody else’s', async () => {
    const { secrets } = await openSecrets()
    const other = secretAt(terms.epoch, new Uint8Array(32).fill(9))
    secrets.add(other, always)
    const own = Array.from({ length: SECRETS_PER_GIVER_MAX + 1 }, (_, index) =>
      secretAt(terms.epoch + index, new Uint8Array(32).fill(index)),
    )
    for (const each of own) secrets.add(each, invited)
    expect(secrets.has(own[0]!)).toBe(false)
    expect([own[1]!, own.at(-1)!, other].map((each) => secrets.has(each))).toEqual([
      true,
      true,
      true,
    ])
  })

  it('refuses a giver too many, who answers for itself, and never an owner', async () => {
    const { secrets } = await openSecrets()
    const key = (index: number) => new Uint8Array(32).fill(index)
    for (let giver = 0; giver < SECRET_GIVERS_MAX; giver++) {
      const right = { ...invited, account: `invite ${giver}` }
      secrets.add(secretAt(terms.epoch, key(giver)), right)
    }
    const more = secretAt(terms.epoch + 1, key(99))
    expect(() => secrets.add(more, invited)).toThrow('8 givers')
    // One of a pool, say: whoever let it give has its place already.
    expect(secrets.add(more, { ...invited, account: 'invite 3' })).toBe(true)
    expect(secrets.add(secretAt(terms.epoch + 2, key(100)), always)).toBe(true)
  })
})

describe('of two givers, the higher one', () => {
  const high = secretAt(terms.epoch, new Uint8Array(32).fill(1))
  const low = secretAt(terms.epoch + 1, new Uint8Array(32).fill(2))

  it.each([
    ['rules as long as it is there since it gave', terms.epoch, high],
    ['does not rule once it has come anew', terms.epoch + 1, low],
    ['does not rule while it is away', undefined, low],
  ] as const)('%s', async (_, since, ruling) => {
    for (const order of [
      [high, low],
      [low, high],
    ]) {
      const { secrets, present } = await openSecrets()
      if (since !== undefined) present.set(toHex(high.giverKey), since)
      for (const each of order) secrets.add(each, each === high ? always : invited)
      expect(secrets.newest(terms.topic)?.idText).toBe(ruling.idText)
    }
  })

  it('leaves, and its secret goes on until another is made', async () => {
    const { secrets, present } = await openSecrets()
    present.set(toHex(high.giverKey), terms.epoch)
    secrets.add(high, always)
    secrets.add(low, invited)
    present.clear()
    expect(secrets.newest(terms.topic)?.idText).toBe(high.idText)
    const next = secretAt(terms.epoch + 2, new Uint8Array(32).fill(2))
    secrets.add(next, invited)
    expect(secrets.newest(terms.topic)?.idText).toBe(next.idText)
  })
})

describe('readGiven()', () => {
  it.each([
    ['that lasts too long', SECRET_LIFETIME_MS + 1],
    ['that ends when it begins', 0],
  ])('refuses a secret %s', (_, lifetime) => {
    const body = [terms.epoch, terms.epoch + lifetime, null, []]
    expect(() => readGiven(body)).toThrow('ms, limit')
  })
})
