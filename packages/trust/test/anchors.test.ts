import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { formatAnchors, parseAnchors } from '../src/anchors-text.ts'
import { AnchorSet } from '../src/anchor-set.ts'
import { makeAnchor } from '../src/anchors.ts'
import { toBase64url } from '../src/bytes.ts'
import { acme, anchorOf, globex, keyOf, NOW, planner, refusal, w1 } from './world.ts'

describe('makeAnchor()', () => {
  it('speaks for its name and all below, to connect and to send, unless told otherwise', () => {
    const anchor = makeAnchor({ name: acme, keys: [keyOf(acme)] })
    expect(anchor.names).toEqual(['**.acme.example', 'acme.example'])
    expect(anchor.purposes).toEqual(['connect', 'send'])
  })

  it('copies the keys that it is given', () => {
    const key = Uint8Array.from(keyOf(acme))
    const anchor = makeAnchor({ name: acme, keys: [key] })
    key.fill(0)
    expect(anchor.keys).toEqual([keyOf(acme)])
  })

  it('refuses no key, five keys, a repeated key and a key of small order', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'].map(keyOf)
    expect(makeAnchor(anchorOf({ keys: keys.slice(1) })).keys).toHaveLength(4)
    for (const bad of [[], keys, [keys[0]!, keys[0]!]]) {
      expect(() => makeAnchor(anchorOf({ keys: bad }))).toThrow(refusal('form', 'acme.example'))
    }
    const identity = Uint8Array.of(1, ...new Uint8Array(31))
    expect(() => makeAnchor(anchorOf({ keys: [identity] }))).toThrow(refusal('bad-key'))
  })

  it('refuses names outside its slice', () => {
    for (const text of ['globex.example', '**.example.com', '*.xacme.example']) {
      const names = [parsePattern(text)]
      expect(() => makeAnchor(anchorOf({ names }))).toThrow(refusal('form', text))
    }
    expect(() => makeAnchor(anchorOf({ names: [] }))).toThrow(refusal('form'))
    expect(() => makeAnchor(anchorOf({ purposes: [] }))).toThrow(refusal('form'))
    expect(() => makeAnchor(anchorOf({ addedAt: 1.5 }))).toThrow(refusal('form', '1.5'))
    expect(() => makeAnchor(anchorOf({ addedBy: 'x'.repeat(254) }))).toThrow(refusal('form'))
  })
})

describe('AnchorSet', () => {
  it('gives the most specific anchor at or above a name', () => {
    const anchors = new AnchorSet([anchorOf(), anchorOf({ name: planner })])
    expect(anchors.for(acme)?.name).toBe(acme)
    expect(anchors.for(parseName('crew.acme.example'))?.name).toBe(acme)
    expect(anchors.for(planner)?.name).toBe(planner)
    expect(anchors.for(w1)?.name).toBe(planner)
    expect(anchors.for(parseName('xplanner.acme.example'))?.name).toBe(acme)
    expect(anchors.for(globex)).toBeUndefined()
    expect(anchors.for(parseName('xacme.example'))).toBeUndefined()
  })

  it('refuses two anchors of one name', () => {
    expect(() => new AnchorSet([anchorOf(), anchorOf()])).toThrow(refusal('form', 'already'))
  })

  it('never changes: with() and without() give another', () => {
    const one = new AnchorSet([anchorOf()])
    const two = one.with(anchorOf({ name: globex }))
    const replaced = two.with(anchorOf({ keys: [keyOf('new')] }))
    expect([one.size, two.size, replaced.size]).toEqual([1, 2, 2])
    expect(two.get(acme)?.keys).toEqual([keyOf(acme)])
    expect(replaced.get(acme)?.keys).toEqual([keyOf('new')])
    expect(replaced.without(acme).list.map(({ name }) => name)).toEqual([globex])
    expect(one.without(globex).size).toBe(1)
  })
})

describe('parseAnchors() and formatAnchors()', () => {
  const full = new AnchorSet([
    anchorOf({ addedAt: NOW, addedBy: 'you "and" me: {}' }),
    anchorOf({ name: globex, names: [parsePattern('*.globex.example')], purposes: ['send'] }),
  ])
  const text = formatAnchors(full)

  it('are each other’s inverse', () => {
    expect(parseAnchors(text).list).toEqual(full.list)
    expect(formatAnchors(parseAnchors(text))).toBe(text)
    expect(parseAnchors(formatAnchors(new AnchorSet())).size).toBe(0)
  })

  it('let names, purposes and notes be left out', () => {
    const keys = JSON.stringify([toBase64url(keyOf(acme))])
    const short = `{"anchors":[{"keys":${keys},"kind":"key","name":"acme.example"}],"version":1}`
    const [anchor] = parseAnchors(short).list
    expect(anchor).toEqual(makeAnchor({ name: acme, keys: [keyOf(acme)] }))
  })

  it('refuse what is not exactly the form', () => {
    const change = (from: string | RegExp, to: string) => () => {
      const changed = text.replace(from, to)
      expect(changed).not.toBe(text)
      return parseAnchors(changed)
    }
    expect(() => parseAnchors('{')).toThrow(refusal('encoding', 'JSON'))
    expect(() => parseAnchors('[]')).toThrow(refusal('form'))
    expect(() => parseAnchors('null')).toThrow(refusal('form'))
    expect(() => parseAnchors(' '.repeat(2 ** 21 + 1))).toThrow(refusal('too-large'))
    expect(change('"version": 1', '"version": 2')).toThrow(refusal('unsupported'))
    expect(change('"version": 1', '"version": 1, "more": 1')).toThrow(refusal('form', 'more'))
    expect(change('"version": 1', '"version": 1, "version": 1')).toThrow(refusal('form', 'twice'))
    expect(change('"kind": "key"', '"kind": "zone"')).toThrow(refusal('form', '0 records'))
    expect(change('"kind": "key"', '"kind": "any"')).toThrow(refusal('form', 'zone'))
    expect(change('"kind": "key"', '"kind": "key", "__proto__": {}')).toThrow(refusal('form'))
    expect(change('"acme.example",', '"Acme.example",')).toThrow(refusal('name'))
    expect(change('"connect"', '"rule"')).toThrow(refusal('form', 'connect, grant, send'))
    expect(change(/"keys": \[\s*"/, '"keys": ["=')).toThrow(refusal('encoding'))
    expect(change(/"keys": \[\s*"..../, '"keys": ["')).toThrow(refusal('bad-key'))
    expect(change(`"addedAt": ${NOW}`, '"addedAt": "now"')).toThrow(refusal('form', 'addedAt'))
    expect(change('"globex.example"', '"acme.example"')).toThrow(refusal('form'))
  })
})
