import { describe, expect, test } from 'vitest'
import { TYPE } from '@ixj/dns'
import { zoneKeys } from './anchors.ts'
import { ask } from './ask.ts'
import { startBind } from './bind.ts'
import { startKnot } from './knot.ts'
import { startNsd } from './nsd.ts'
import { delv, dig, kdig, knsupdate, nsupdate } from './programs.ts'
import { realTools } from './real-tools.ts'
import { startUnbound } from './unbound.ts'
import { newTsigKey } from './tsig-secret.ts'
import { zoneText } from './zone-text.ts'

const zone = 'agents.test'
const servers = ['named', 'knotd', 'unbound', 'nsd', 'delv', 'dig', 'kdig', 'nsupdate', 'knsupdate']

describe.runIf(realTools('the launchers of real servers', ...servers))('the launchers', () => {
  test('BIND signs a zone that delv validates, and takes updates', async () => {
    await using bind = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
    const anchors = await zoneKeys(bind, zone)
    const query = { port: bind.port, anchors, type: 'TXT' }
    expect(anchors).toHaveLength(1)
    const found = await delv({ ...query, name: `_ixjkey.planner.${zone}` })
    expect(found, found.output).toMatchObject({ validated: true, negative: false })
    const absent = await delv({ ...query, name: `_ixjkey.ghost.${zone}` })
    expect(absent, absent.output).toMatchObject({ validated: true, negative: true })
    const lines = [`update add new.${zone}. 60 TXT "here"`]
    const updated = await nsupdate({ port: bind.port, zone, key: bind.key, lines })
    expect(updated, updated.output).toMatchObject({ status: 0 })
    const seen = await dig({ port: bind.port, name: `new.${zone}`, type: 'TXT', flags: ['+short'] })
    expect(seen.output).toBe('"here"\n')
  })

  test('delv does not validate from the key of another zone', async () => {
    await using bind = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
    await using other = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
    const anchors = await zoneKeys(other, zone)
    const name = `_ixjkey.planner.${zone}`
    const found = await delv({ port: bind.port, anchors, name, type: 'TXT' })
    expect(found.validated, found.output).toBe(false)
  })

  test.each([
    ['ed25519', { splitKeys: true }],
    ['ecdsap256sha256', {}],
    ['rsasha256', {}],
    ['ed25519', { nsec3: true, optOut: true }],
  ] as const)('BIND signs with %s %o', async (algorithm, variant) => {
    const zones = [{ name: zone, text: zoneText(zone), algorithm, ...variant }]
    await using bind = await startBind({ zones })
    const anchors = await zoneKeys(bind, zone)
    for (const label of ['planner', 'ghost']) {
      const name = `_ixjkey.${label}.${zone}`
      const found = await delv({ port: bind.port, anchors, name, type: 'TXT' })
      expect(found, found.output).toMatchObject({ validated: true })
    }
  })

  test.each([
    ['online', {}],
    ['stored', {}],
    ['stored', { nsec3: true }],
    ['online', { algorithm: 'ecdsap256sha256' }],
  ] as const)('Knot signs %s %o, and takes updates', async (signing, variant) => {
    const zones = [{ name: zone, text: zoneText(zone), signing, ...variant }]
    await using knot = await startKnot({ zones })
    const anchors = await zoneKeys(knot, zone)
    for (const label of ['planner', 'ghost']) {
      const name = `_ixjkey.${label}.${zone}`
      const found = await delv({ port: knot.port, anchors, name, type: 'TXT' })
      expect(found, found.output).toMatchObject({ validated: true })
    }
    const lines = [`update add new.${zone}. 60 TXT "here"`]
    const updated = await knsupdate({ port: knot.port, zone, key: knot.key, lines })
    expect(updated, updated.output).toMatchObject({ status: 0 })
    const seen = await kdig({
      port: knot.port,
      name: `new.${zone}`,
      type: 'TXT',
      flags: ['+short'],
    })
    expect(seen.output).toBe('"here"\n')
  })

  test('Unbound validates over UDP, TLS and HTTPS', async () => {
    await using bind = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
    const anchors = await zoneKeys(bind, zone)
    const stubs = [{ zone, port: bind.port }]
    await using unbound = await startUnbound({ anchors, stubs, tls: true, https: true })
    const name = `_ixjkey.planner.${zone}`
    const asking = { port: unbound.port, name, type: TYPE.TXT, recursionDesired: true }
    const answer = await ask({ ...asking, dnssecOk: true })
    expect(answer).toMatchObject({ rcode: 0, authenticData: true })
    for (const [port, flag] of [
      [unbound.tlsPort, '+tls'],
      [unbound.httpsPort, '+https'],
    ] as const) {
      const { output } = await kdig({ port, name, type: 'TXT', flags: [flag, '+dnssec'] })
      expect(output).toMatch(/Flags:.* ad/)
    }
  })

  test('NSD copies a zone from Knot, and a wrong key gets nothing', async () => {
    await using knot = await startKnot({
      zones: [{ name: zone, text: zoneText(zone), signing: 'stored' }],
    })
    const from = { name: zone, primaryPort: knot.port }
    await using nsd = await startNsd({ zones: [{ ...from, key: knot.key }] })
    const name = `_ixjkey.planner.${zone}`
    const answer = await ask({ port: nsd.port, name, type: TYPE.TXT, dnssecOk: true })
    expect(new Set(answer.answers.map(({ type }) => type))).toEqual(new Set([TYPE.TXT, TYPE.RRSIG]))
    const wrong = newTsigKey('ourtool')
    await using idle = await startNsd({
      zones: [{ ...from, key: wrong }],
      waitForZones: false,
    })
    expect((await ask({ port: idle.port, name, type: TYPE.TXT })).answers).toEqual([])
  })

  test('a server that was killed comes back on its port with its zone', async () => {
    await using bind = await startBind({ zones: [{ name: zone, text: zoneText(zone) }] })
    const before = await zoneKeys(bind, zone)
    await bind.kill()
    await expect(ask({ port: bind.port, name: zone, type: TYPE.SOA })).rejects.toThrow(
      'ECONNREFUSED',
    )
    await bind.restart()
    expect(await zoneKeys(bind, zone)).toEqual(before)
  })

  test('a server that cannot start says why', async () => {
    const text = zoneText(zone)
    const started = startBind({ zones: [{ name: zone, text }], moreOptions: ['no-such-option 1;'] })
    await expect(started).rejects.toThrow(/unknown option 'no-such-option'/)
  })
})
