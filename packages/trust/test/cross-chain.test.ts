import { parseName, parsePattern, type Name } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { defaultCrossNames } from '../src/cross-certificate.ts'
import { equalBytes } from '../src/bytes.ts'
import { makeStandpoint } from '../src/standpoint.ts'
import { checkName } from '../src/name-chain.ts'
import {
  type NameContext,
  type NameQuestion,
  publishedOfChain,
  statementsOfChain,
} from '../src/name-question.ts'
import type { RevocationView } from '../src/revocation-book.ts'
import { issueStatement } from '../src/issue-statement.ts'
import {
  acme,
  anchorOf,
  bind,
  cross,
  federation,
  freshNonce,
  globex,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
  SECOND,
  signerOf,
} from './world.ts'

const SKEW = 60_000
const node1 = parseName('node1.acme.example')
const scout = parseName('scout.globex.example')
const exact = (...names: readonly string[]) => names.map((name) => parsePattern(name))

const anchors = new AnchorSet([anchorOf()])
const toScout = await bind({ issuer: globex, name: scout })
const toGlobex = await cross()
const toFederation = await cross({
  subject: federation,
  names: [],
  introduces: exact(globex),
  hops: 1,
})
const fromFederation = await cross({ issuer: federation })
const revocation = await issueStatement(
  {
    kind: 'revocation',
    issuer: acme,
    notBefore: NOW - HOUR,
    notAfter: NOW + HOUR,
    nonce: freshNonce(),
    of: acme,
    target: { kind: 'statement', id: toGlobex.id },
  },
  signerOf(acme),
)

/** Asks as node1.acme.example, with what its home has and what came with the proof. */
function ask(
  question: Partial<NameQuestion> = {},
  context: Partial<NameContext> & {
    readonly at?: Name
    readonly own?: Parameters<typeof makeStandpoint>[1]
  } = {},
) {
  const name = question.name ?? scout
  const { at = node1, own = [toGlobex], ...rest } = context
  return checkName(
    { name, key: keyOf(name), use: 'sign', purpose: 'send', ...question },
    { bindings: [toScout], anchors, now: NOW, standpoint: makeStandpoint(at, own), ...rest },
  )
}

describe('checkName() over a cross-certificate', () => {
  it('accepts a name of the subject, and gives the path of organisations', () => {
    const chain = ask()
    expect(chain).toMatchObject({
      name: scout,
      key: keyOf(scout),
      anchor: { name: acme },
      organisation: globex,
      path: [acme, globex],
      notBefore: NOW - HOUR,
      notAfter: NOW + HOUR,
    })
    expect(statementsOfChain(chain)).toEqual([toGlobex, toScout])
    expect(publishedOfChain(chain)).toEqual([])
  })

  it('accepts the subject with one of its certified keys, and no other', () => {
    expect(ask({ name: globex })).toMatchObject({ links: [], organisation: globex })
    expect(() => ask({ name: globex, key: keyOf('other') })).toThrow(refusal('no-chain'))
  })

  it('refuses without it, and where it came from elsewhere than home or the proof', () => {
    expect(() => ask({}, { own: [] })).toThrow(refusal('no-anchor'))
    expect(ask({}, { own: [], crossCertificates: [toGlobex] }).organisation).toBe(globex)
    const nobody: Partial<NameContext> = { crossCertificates: [toGlobex] }
    expect(() =>
      checkName(
        { name: scout, key: keyOf(scout), use: 'sign', purpose: 'send' },
        { bindings: [toScout], anchors, now: NOW, ...nobody },
      ),
    ).toThrow(refusal('no-anchor'))
  })

  it('counts only for verifiers at or below its issuer', async () => {
    const toPlanner = await bind({ name: planner })
    const byPlanner = await cross({ issuer: planner })
    const own = [byPlanner, toPlanner]
    expect(ask({}, { own, at: planner }).path).toEqual([acme, globex])
    expect(ask({}, { own, at: parseName('w1.planner.acme.example') }).organisation).toBe(globex)
    expect(() => ask({}, { own })).toThrow(refusal('no-anchor'))
    expect(() => ask({}, { at: parseName('node1.initech.example') })).toThrow(refusal('no-anchor'))
  })

  it('needs an issuer that the anchor proves, with a key that may bind, for the purpose', async () => {
    const byOther = await cross({ issuer: acme, subjectKeys: [keyOf(globex)] })
    const forged = { ...byOther, statement: { ...byOther.statement, issuerKey: keyOf('thief') } }
    expect(() => ask({}, { own: [forged] })).toThrow(refusal('no-chain'))
    const signs = await bind({ name: planner, uses: 'sign' })
    const byPlanner = await cross({ issuer: planner })
    expect(() => ask({}, { own: [byPlanner, signs], at: planner })).toThrow(refusal('uses'))
    const narrow = new AnchorSet([anchorOf({ purposes: ['connect'] })])
    expect(() => ask({}, { anchors: narrow })).toThrow(refusal('anchor-limits'))
  })

  it('keeps to its names', async () => {
    const own = [await cross({ names: exact(`desk.${globex}`) })]
    expect(() => ask({}, { own })).toThrow(refusal('cross-limits', 'desk.globex.example'))
    const desk = parseName(`desk.${globex}`)
    const bindings = [await bind({ issuer: globex, name: desk })]
    expect(ask({ name: desk }, { own, bindings }).organisation).toBe(globex)
  })

  it('keeps to its purposes', () => {
    expect(ask({ purpose: 'connect' }).organisation).toBe(globex)
    expect(() => ask({ purpose: 'grant' })).toThrow(refusal('cross-limits', 'connect, send'))
  })

  it('holds to the millisecond around its times and the skew', async () => {
    const own = [await cross({ notBefore: NOW - 5, notAfter: NOW + 5 })]
    for (const now of [NOW - 5 - SKEW, NOW + 5 + SKEW]) {
      expect(ask({}, { own, now })).toMatchObject({ notBefore: NOW - 5, notAfter: NOW + 5 })
    }
    expect(() => ask({}, { own, now: NOW - 6 - SKEW })).toThrow(refusal('not-yet-valid'))
    expect(() => ask({}, { own, now: NOW + 6 + SKEW })).toThrow(refusal('expired'))
  })

  it('stands behind any anchor at or above the name, also one that refuses', () => {
    const key = keyOf('another key')
    const both = new AnchorSet([anchorOf(), anchorOf({ name: globex, keys: [key] })])
    expect(() => ask({}, { anchors: both })).toThrow(refusal('no-chain'))
    const connects = anchorOf({ name: globex, purposes: ['connect'] })
    const narrow = new AnchorSet([anchorOf(), connects])
    expect(() => ask({}, { anchors: narrow })).toThrow(refusal('anchor-limits'))
  })

  it('gives way to one of a more specific subject', async () => {
    const lab = parseName('lab.globex.example')
    const bot = parseName('bot.lab.globex.example')
    const bindings = [await bind({ issuer: globex, name: bot })]
    expect(ask({ name: bot }, { bindings }).organisation).toBe(globex)
    const own = [toGlobex, await cross({ subject: lab, subjectKeys: [keyOf('lab key')] })]
    expect(() => ask({ name: bot }, { bindings, own })).toThrow(refusal('no-chain'))
    expect(ask({}, { own }).organisation).toBe(globex)
  })

  it('never merges the keys of two: each counts within its own limits', async () => {
    const old = keyOf('old key')
    const own = [
      await cross({ subjectKeys: [old], names: exact(globex) }),
      await cross({ names: defaultCrossNames(globex) }),
    ]
    expect(ask({ name: globex, key: old }, { own }).key).toEqual(old)
    expect(ask({}, { own }).key).toEqual(keyOf(scout))
    const byOld = await bind({ issuer: globex, name: scout })
    const statement = { ...byOld.statement, issuerKey: old }
    expect(() => ask({}, { own, bindings: [{ ...byOld, statement }] })).toThrow(refusal('no-chain'))
  })
})

describe('checkName() over a revoked cross-certificate', () => {
  const revoked = (target: { readonly id?: string; readonly key?: Uint8Array }): RevocationView => {
    const by = (isVoid: boolean) => (isVoid ? revocation : undefined)
    return {
      ofKey: (_, key) => by(target.key !== undefined && equalBytes(key, target.key)),
      ofStatement: ({ idText, statement }) =>
        by(
          idText === target.id ||
            (target.key !== undefined && equalBytes(statement.issuerKey, target.key)),
        ),
    }
  }

  it('refuses what rests on it, or on the key of its subject or of its issuer', () => {
    for (const revocations of [
      revoked({ id: toGlobex.idText }),
      revoked({ key: keyOf(globex) }),
      revoked({ key: keyOf(acme) }),
    ]) {
      expect(() => ask({}, { revocations })).toThrow(refusal('revoked'))
      expect(() => ask({ name: globex }, { revocations })).toThrow(refusal('revoked'))
    }
    expect(ask({}, { revocations: revoked({ id: fromFederation.idText }) })).toBeDefined()
  })

  it('goes another way where there is one', () => {
    const crossCertificates = [fromFederation]
    const own = [toGlobex, toFederation]
    const chain = ask({}, { own, crossCertificates, revocations: revoked({ id: toGlobex.idText }) })
    expect(chain.path).toEqual([acme, federation, globex])
  })
})

describe('checkName() over a trusted intermediary', () => {
  it('accepts whom it introduces, and cuts purposes and times by every certificate', async () => {
    const own = [toFederation]
    const crossCertificates = [fromFederation]
    const chain = ask({}, { own, crossCertificates })
    expect(chain.path).toEqual([acme, federation, globex])
    expect(chain.crossCertificates).toEqual([toFederation, fromFederation])
    const connects = await cross({
      subject: federation,
      introduces: exact(globex),
      hops: 1,
      purposes: ['connect'],
      notAfter: NOW + SECOND,
    })
    const context = { own: [connects], crossCertificates }
    expect(() => ask({}, context)).toThrow(refusal('cross-limits', 'needed is send'))
    expect(ask({ purpose: 'connect' }, context).notAfter).toBe(NOW + SECOND)
  })

  it('does not let it speak for its own names where it may only introduce', () => {
    expect(() => ask({ name: federation }, { own: [toFederation] })).toThrow(
      refusal('cross-limits', 'nobody'),
    )
  })

  it('refuses whom it may not introduce, and more hops than it was given', async () => {
    const other = [
      await cross({ subject: federation, introduces: exact('initech.example'), hops: 1 }),
    ]
    const crossCertificates = [fromFederation]
    expect(() => ask({}, { own: other, crossCertificates })).toThrow(
      refusal('cross-limits', 'may not introduce globex.example'),
    )
    const near = [await cross({ subject: federation, introduces: exact(globex), hops: 0 })]
    expect(() => ask({}, { own: near, crossCertificates })).toThrow(
      refusal('cross-limits', '0 hops'),
    )
  })

  it('counts only with exactly the subject and a certified key of it as issuer', async () => {
    const desk = parseName(`desk.${federation}`)
    const byDesk = await cross({ issuer: desk })
    const toDesk = await bind({ issuer: federation, name: desk })
    const bindings = [toScout, toDesk]
    const own = [await cross({ subject: federation, introduces: exact(globex), hops: 3 })]
    expect(() => ask({}, { own, bindings, crossCertificates: [byDesk] })).toThrow(
      refusal('no-anchor'),
    )
    const otherKey = { ...fromFederation.statement, issuerKey: keyOf('another key') }
    const crossCertificates = [{ ...fromFederation, statement: otherKey }]
    expect(() => ask({}, { own, crossCertificates })).toThrow(refusal('no-anchor'))
  })

  it('asks of every subject between that the ones before may introduce it', async () => {
    const second = parseName('second.example')
    const toSecond = await cross({
      issuer: federation,
      subject: second,
      introduces: exact(globex),
      hops: 1,
    })
    const crossCertificates = [toSecond, await cross({ issuer: second })]
    const first = (introduces: string[]) =>
      cross({ subject: federation, introduces: exact(...introduces), hops: 2 })
    const own = [await first([second, globex])]
    expect(ask({}, { own, crossCertificates }).path).toEqual([acme, federation, second, globex])
    for (const introduces of [[globex], [second]]) {
      const less = { own: [await first(introduces)], crossCertificates }
      expect(() => ask({}, less)).toThrow(refusal('cross-limits', 'may not introduce'))
    }
  })

  it('stands behind what one’s own organisation says of the subject', async () => {
    const crossCertificates = [await cross({ issuer: federation, subjectKeys: [keyOf('other')] })]
    const own = [toFederation, toGlobex]
    expect(ask({}, { own, crossCertificates }).path).toEqual([acme, globex])
    expect(() => ask({ name: globex, key: keyOf('other') }, { own, crossCertificates })).toThrow(
      refusal('no-chain'),
    )
  })

  it('never introduces one’s own organisation, or one that an anchor decides about', async () => {
    const thief = keyOf('thief')
    const back = await cross({ issuer: federation, subject: acme, subjectKeys: [thief] })
    const onward = await cross({ issuer: acme })
    const byThief = { ...onward, statement: { ...onward.statement, issuerKey: thief } }
    const wide = await cross({ subject: federation, introduces: exact(globex, acme), hops: 3 })
    expect(() => ask({}, { own: [wide], crossCertificates: [back, byThief] })).toThrow(
      refusal('no-chain'),
    )
    const both = new AnchorSet([anchorOf(), anchorOf({ name: federation })])
    expect(() =>
      ask({}, { anchors: both, own: [wide], crossCertificates: [fromFederation] }),
    ).toThrow(refusal('cross-limits', 'an anchor of yours'))
  })

  it('follows no cycle: nobody is introduced anew with other keys', async () => {
    const second = parseName('second.example')
    const other = keyOf('other key')
    const introduces = exact(federation, second, globex)
    const wide = { introduces, hops: 3 }
    const own = [await cross({ subject: federation, ...wide })]
    const toSecond = await cross({ issuer: federation, subject: second, ...wide })
    const anew = await cross({
      issuer: second,
      subject: federation,
      subjectKeys: [other],
      introduces,
      hops: 2,
    })
    const byOther = {
      ...fromFederation,
      statement: { ...fromFederation.statement, issuerKey: other },
    }
    expect(() => ask({}, { own, crossCertificates: [toSecond, anew, byOther] })).toThrow(
      refusal('cross-limits', 'twice'),
    )
  })

  it('walks at most 4 hops', async () => {
    const names = ['one', 'two', 'three', 'four'].map((label) => parseName(`${label}.example`))
    const introduces = exact(...names, 'five.example')
    const certificates = await Promise.all(
      [acme, ...names.slice(0, 3)].map((issuer, index) =>
        cross({ issuer, subject: names[index]!, introduces, hops: 3 }),
      ),
    )
    const four = names[3]!
    expect(ask({ name: four }, { own: certificates }).path).toEqual([acme, ...names])
    const five = parseName('five.example')
    const fifth = await cross({ issuer: four, subject: five })
    const widest = certificates.map((each, index) =>
      index === 0 ? { ...each, statement: { ...each.statement, hops: 4 } } : each,
    )
    const context = { own: [...widest, fifth] }
    expect(() => ask({ name: five }, context)).toThrow(refusal('cross-limits', '4 hops away'))
  })
})
