import { describe, expect, test } from 'vitest'
import { TYPE, validate, writeNsec, readRrsig, writeRrsig } from '@ixj/dns'
import { HOUR, newTestKey, NOW, SignedZone } from '../signed-zone.ts'
import { ask, contextOf, lookUp, name } from '../zone-world.ts'
import {
  bogus,
  child,
  context,
  honest,
  key,
  parent,
  question,
  sibling,
  verdict,
  without,
  zones,
} from './team-world.ts'

test('the honest answer is secure, or no attack below shows anything', async () => {
  expect(await verdict(honest)).toMatchObject({ state: 'secure', zone: 'team.example' })
})

describe('validate() refuses a forged answer', () => {
  test('signed by a key that is not the zone’s', async () => {
    const forger = new SignedZone('team.example', ['_ixjkey.planner 300 IN TXT "forged"'])
    const answer = forger.answer(ask(question))
    expect(await verdict([...answer, ...without(honest, TYPE.TXT)])).toMatchObject(
      bogus('bad-signature'),
    )
    // With the forger's key set as well, the DS names none of its keys.
    const keys = forger.answer(ask('DNSKEY team.example'))
    const rest = without(without(honest, TYPE.TXT), TYPE.DNSKEY, 'team.example')
    expect(await verdict([...answer, ...keys, ...rest])).toMatchObject(bogus('no-key'))
  })

  test('by a key slipped into the zone’s set', async () => {
    const forged = newTestKey(name('team.example'))
    const text = child.records(name(key), TYPE.TXT)
    const answer = [...text, child.sign(text, { key: forged })]
    const rest = without(honest, TYPE.TXT)
    expect(await verdict([...answer, forged.dnskey, ...rest])).toMatchObject(bogus('bad-signature'))
  })

  test.each([
    ['expired', { now: NOW + 24 * HOUR + 1 }],
    ['not-yet-valid', { now: NOW - HOUR - 1 }],
  ] as const)('whose signatures are %s', async (reason, { now }) => {
    expect(await verdict(honest, question, contextOf([parent.anchor], { now }))).toMatchObject(
      bogus(reason),
    )
    const edge = now === NOW - HOUR - 1 ? now + 1 : now - 1
    const inside = contextOf([parent.anchor], { now: edge })
    expect(await verdict(honest, question, inside)).toMatchObject({ state: 'secure' })
  })

  test('with one expired signature in the middle of the chain', async () => {
    const ds = parent.records(name('team.example'), TYPE.DS)
    const old = { inception: (NOW - 9 * HOUR) / 1_000, expiration: (NOW - HOUR) / 1_000 }
    const rest = without(honest, TYPE.DS)
    expect(await verdict([...rest, ...ds, parent.sign(ds, old)])).toMatchObject(bogus('expired'))
  })

  test('that belongs to another name', async () => {
    const other = child.answer(ask('TXT _ixjkey.other.team.example'))
    const renamed = other.map((record) => ({ ...record, name: name(key) }))
    expect(await verdict([...renamed, ...without(honest, TYPE.TXT)])).toMatchObject(
      bogus('bad-signature'),
    )
  })

  test('with one record added to the signed set', async () => {
    const [text] = child.records(name('_ixjkey.other.team.example'), TYPE.TXT)
    const added = { ...text!, name: name(key) }
    expect(await verdict([...honest, added])).toMatchObject(bogus('bad-signature'))
  })

  test('without the DS, and with no proof that there is none', async () => {
    expect(await verdict(without(honest, TYPE.DS))).toMatchObject(bogus('bad-denial'))
  })

  test('from the wrong anchor', async () => {
    const stranger = new SignedZone('example', [])
    const wrong = contextOf([stranger.anchor])
    expect(await verdict(honest, question, wrong)).toMatchObject(bogus('no-key'))
  })

  test('below an anchor of its own, signed by the zone above it', async () => {
    const own = contextOf([child.anchor])
    const text = child.records(name(key), TYPE.TXT)
    const answer = [...text, parent.sign(text)]
    const rest = without(honest, TYPE.TXT)
    expect(await verdict([...answer, ...rest], question, own)).toMatchObject(bogus('wrong-signer'))
  })

  test('with a DS that has the tag of the key and another digest', async () => {
    const [ds] = parent.records(name('team.example'), TYPE.DS)
    const other = { ...ds!, data: ds!.data.with(20, ds!.data[20]! ^ 1) }
    const rest = without(honest, TYPE.DS)
    const forged = [...rest, other, parent.sign([other])]
    expect(await verdict(forged)).toMatchObject(bogus('no-key'))
  })

  test('signed by a sibling zone', async () => {
    const text = child.records(name(key), TYPE.TXT)
    const answer = [...text, sibling.sign(text)]
    const keys = sibling.answer(ask('DNSKEY blue.example'))
    const rest = without(honest, TYPE.TXT)
    expect(await verdict([...answer, ...keys, ...rest])).toMatchObject(bogus('wrong-signer'))
    // Nor may it call itself the zone: its key is not in the zone's set.
    const posing = [...text, sibling.sign(text, { signer: name('team.example') })]
    expect(await verdict([...posing, ...keys, ...rest])).toMatchObject(bogus('bad-signature'))
  })

  test('signed by the zone above, which delegated the name', async () => {
    const text = child.records(name(key), TYPE.TXT)
    const answer = [...text, parent.sign(text)]
    expect(await verdict([...answer, ...without(honest, TYPE.TXT)])).toMatchObject(
      bogus('wrong-signer'),
    )
    const denial = parent.nsecAt(name('aaa.example'))
    const lie = { ...denial, name: name(key), data: writeNsec(name(`x.${key}`), [TYPE.NSEC]) }
    const denied = [lie, parent.sign([lie]), ...without(honest, TYPE.TXT)]
    expect(await verdict(denied)).toMatchObject(bogus('wrong-signer'))
  })

  test('with a DS that the child signed itself', async () => {
    const ds = parent.records(name('team.example'), TYPE.DS)
    const rest = without(honest, TYPE.DS)
    expect(await verdict([...rest, ...ds, child.sign(ds)])).toMatchObject(bogus('wrong-signer'))
  })

  test('with keys that the zone signed in the name of another', async () => {
    const keys = child.records(name('team.example'), TYPE.DNSKEY)
    const rest = without(honest, TYPE.DNSKEY, 'team.example')
    const posing = [...keys, child.sign(keys, { signer: name('example') })]
    expect(await verdict([...rest, ...posing])).toMatchObject(bogus('wrong-signer'))
  })

  test('whose signature counts more labels than the name has, or fewer than the zone', async () => {
    const text = child.records(name(key), TYPE.TXT)
    const rest = without(honest, TYPE.TXT)
    for (const labels of [5, 1, 0]) {
      const made = labels > 4 ? { signature: new Uint8Array(64) } : {}
      const answer = [...text, child.sign(text, { labels, ...made })]
      expect(await verdict([...answer, ...rest]), `${labels}`).toMatchObject(bogus('bad-signature'))
    }
  })

  test('by a zone that nobody delegates to', async () => {
    const island = new SignedZone('planner.team.example', ['_ixjkey 300 IN TXT "forged"'])
    const { validation } = await lookUp([parent, child], question, {
      tamper: (records, asked) => {
        if (asked.type === TYPE.TXT) return island.answer(asked)
        if (asked.name === island.name && asked.type === TYPE.DNSKEY) return island.answer(asked)
        return records
      },
    })
    expect(validation).toMatchObject(bogus('wrong-signer'))
  })

  test('whose signatures were stripped, wherever they were', async () => {
    for (const type of [TYPE.TXT, TYPE.DNSKEY, TYPE.DS]) {
      const { validation } = await lookUp(zones, question, {
        tamper: (records) =>
          records.filter(
            (record) => record.type !== TYPE.RRSIG || readRrsig(record.data).typeCovered !== type,
          ),
      })
      expect(validation, `type ${type}`).toMatchObject(bogus('unsigned'))
    }
    const { validation } = await lookUp(zones, question, {
      tamper: (records) => records.filter(({ type }) => type !== TYPE.RRSIG),
    })
    expect(validation).toMatchObject(bogus('unsigned'))
    const offline = await validate(
      ask(question),
      honest.filter(({ type }) => type !== TYPE.RRSIG),
      context,
    )
    expect(offline.state).toBe('bogus')
  })

  test('with nothing in it at all', async () => {
    const { validation } = await lookUp(zones, question, {
      tamper: (records, asked) => (asked.type === TYPE.TXT ? [] : records),
    })
    expect(validation).toMatchObject(bogus('bad-denial'))
  })
})

describe('validate() refuses a downgrade', () => {
  test('to signatures of an algorithm that is not checked', async () => {
    const weaker = honest.map((record) => {
      if (record.type !== TYPE.RRSIG) return record
      return { ...record, data: writeRrsig({ ...readRrsig(record.data), algorithm: 5 }) }
    })
    expect(await verdict(weaker)).toMatchObject(bogus('bad-signature'))
  })

  test('to a DS set that only names what is not checked, unless the zone above signed it', async () => {
    const weaker = honest.map((record) => {
      if (record.type !== TYPE.DS) return record
      const data = Uint8Array.from(record.data)
      data[2] = 5
      return { ...record, data }
    })
    expect(await verdict(weaker)).toMatchObject(bogus('bad-signature'))
  })

  test('from a key of one algorithm to the same bytes under another', async () => {
    const signer = newTestKey(name('example'), { algorithm: 15, claimed: 13 })
    const zone = new SignedZone('example', ['a 300 IN TXT "x"'], { keys: [signer] })
    const { validation } = await lookUp([zone], 'TXT a.example')
    expect(validation).toMatchObject(bogus('bad-signature'))
  })
})
