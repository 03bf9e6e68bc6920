import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { checkAuthority } from '../src/authority.ts'
import { checkName } from '../src/name-chain.ts'
import type { NameContext } from '../src/name-question.ts'
import type { RevocationView } from '../src/revocation-book.ts'
import { checkSender } from '../src/speaker.ts'
import type { SignedStatement } from '../src/statement.ts'
import { acme, anchorOf, bind, crew, grant, keyOf, NOW, refusal } from './world.ts'

const node = parseName('n1.acme.example')
const other = parseName('n2.acme.example')
const pool = parseName(`pool.${node}`)
const agent = parseName(`a7.pool.${node}`)
const POOL = { name: pool, key: keyOf(pool), uses: 'sign', depth: 0 } as const

const anchors = new AnchorSet([anchorOf()])
const asked = { name: agent, key: keyOf(pool), use: 'sign', purpose: 'send' } as const
const context = async (more: Partial<NameContext> = {}) => ({
  bindings: [await bind({ name: node, key: keyOf(node) }), await bind({ ...POOL, issuer: node })],
  anchors,
  now: NOW,
  ...more,
})

describe('checkName() of an agent in a pool', () => {
  it('accepts any name in it, however deep, by the one binding of the pool', async () => {
    for (const label of ['a1', 'z9', 'deep.er']) {
      const name = parseName(`${label}.pool.${node}`)
      const chain = checkName({ ...asked, name }, await context())
      expect(chain).toMatchObject({ name, organisation: acme })
      expect(chain.links.map(({ statement }) => statement.name)).toEqual([node, pool])
    }
  })

  it('refuses the pool itself, names of other pools, and another key', async () => {
    const questions = [
      { ...asked, name: pool },
      { ...asked, name: parseName('a.pool.example') },
      { ...asked, name: parseName(`a7.pool.${other}`) },
      { ...asked, key: keyOf(node) },
    ]
    for (const question of questions) {
      const found = await context()
      expect(() => checkName(question, found)).toThrow(refusal('no-chain'))
    }
  })

  it('refuses a pool that another node bound', async () => {
    const bindings = [
      await bind({ name: other, key: keyOf(other) }),
      await bind({ ...POOL, issuer: node, issuerKey: keyOf(other) }),
    ]
    const found = await context({ bindings })
    expect(() => checkName(asked, found)).toThrow(refusal('no-chain'))
    await expect(bind({ ...POOL, issuer: other })).rejects.toThrow(refusal('not-below'))
  })

  it('refuses to bind, to grant, and to be a node', async () => {
    const found = await context()
    for (const changes of [
      { use: 'bind' },
      { use: 'grant' },
      { purpose: 'connect' },
      { purpose: 'grant' },
    ] as const) {
      expect(() => checkName({ ...asked, ...changes }, found)).toThrow(refusal('uses'))
    }
  })

  it('ends with its binding, with the key of the pool, and with a key of the one name', async () => {
    const at = async (more: Partial<NameContext>) => {
      const found = await context(more)
      return () => checkName(asked, found)
    }
    expect(await at({ now: NOW + 3_600_000 + 60_001 })).toThrow(refusal('expired'))
    const revoked = (name: string): RevocationView => ({
      ofStatement: () => undefined,
      ofKey: (of) =>
        of === name ? ({ statement: { issuer: acme }, idText: '00' } as never) : undefined,
    })
    for (const name of [pool, agent, node]) {
      expect(await at({ revocations: revoked(name) })).toThrow(refusal('revoked'))
    }
    expect(await at({ revocations: revoked(`b.pool.${node}`) })).not.toThrow()
  })

  it('takes no key for it from the DNS', async () => {
    const zone = new AnchorSet([{ name: acme, kind: 'zone', records: ['DS 1 15 2 00'] }])
    const published = [pool, agent].map((name) => ({
      name,
      key: keyOf(pool),
      uses: 'sign' as const,
      depth: 0,
      strict: false,
      encryptionKey: null,
      next: null,
      hosts: [],
      zone: acme,
      notBefore: 0,
      notAfter: NOW + 1_000,
    }))
    const found = { bindings: [], published, anchors: zone, now: NOW }
    expect(() => checkName(asked, found)).toThrow(refusal('no-chain'))
  })
})

describe('an anchor', () => {
  it('is refused for a name in a pool', () => {
    for (const name of [pool, agent]) {
      expect(() => new AnchorSet([anchorOf({ name })])).toThrow(refusal('form'))
    }
  })
})

describe('checkAuthority() of an agent in a pool', () => {
  const question = {
    subject: agent,
    subjectKey: keyOf(pool),
    action: 'publish',
    topic: crew,
  } as const
  const under = async (subject: string) => {
    const leaf = await grant({ subject: parsePattern(subject), subjectKey: keyOf(pool) })
    const found = await context()
    const bindings = [...found.bindings, await bind({ name: crew, key: keyOf(crew) })]
    return () =>
      checkAuthority({ ...question, leaf: leaf.id }, { ...found, bindings, grants: [leaf] })
  }

  it('accepts a grant to its whole pool', async () => {
    expect((await under(`**.${pool}`))()).toMatchObject({ onBehalfOf: crew })
  })

  it('refuses one that reaches beyond its pool, and one to a name in it', async () => {
    for (const subject of [
      '**.acme.example',
      `**.${node}`,
      `*.${pool}`,
      agent,
      `**.pool.${other}`,
    ]) {
      expect(await under(subject)).toThrow(refusal('wrong-subject'))
    }
  })
})

describe('checkSender()', () => {
  it('lets nobody speak for an agent of a pool', async () => {
    const speaks: SignedStatement<never> = (await grant({
      issuer: acme,
      onBehalfOf: acme,
      subject: parsePattern(other),
      subjectKey: keyOf(other),
      actions: ['speak'],
      topics: [parsePattern(agent)],
    })) as never
    const bindings = [await bind({ name: other, key: keyOf(other) })]
    const found = { ...(await context({ bindings })), grants: [speaks] }
    const question = { name: agent, key: keyOf(other), purpose: 'send' } as const
    expect(() => checkSender(question, found)).toThrow(refusal('no-chain'))
  })
})
