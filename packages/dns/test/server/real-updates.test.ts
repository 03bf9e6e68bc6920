import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TYPE, type TsigKey } from '@ixj/dns'
import { delv, knsupdate, nsupdate } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { type MadeZone, makeZone, named, serveZones, TEST_KEY } from './made-zone.ts'

const run = realTools('updates by nsupdate and knsupdate', 'nsupdate', 'knsupdate', 'delv')
const zone = 'agents.test'
/** May write where an agent is, and nothing else. */
const SLICE_KEY: TsigKey = { ...TEST_KEY, name: named('slice'), secret: new Uint8Array(32).fill(3) }

describe.runIf(run).each([
  ['nsupdate', nsupdate],
  ['knsupdate', knsupdate],
] as const)('%s', (program, update) => {
  const held = new AsyncDisposableStack()
  let made: MadeZone
  let port: number
  beforeAll(async () => {
    made = held.use(await makeZone(zone))
    const server = await serveZones([made.store], {
      keys: [TEST_KEY, SLICE_KEY],
      policies: [
        { key: TEST_KEY.name, names: [`**.${zone}`] },
        { key: SLICE_KEY.name, names: [`_ixj.planner.${zone}`], types: [TYPE.SVCB] },
      ],
    })
    held.use(server)
    port = server.port
  })
  afterAll(async () => await held.disposeAsync())

  const send = async (key: TsigKey | undefined, lines: readonly string[], tcp = false) =>
    await update({ port, zone, lines, tcp, ...(key === undefined ? {} : { key }) })

  test.each([false, true])('adds a record that delv validates at once (TCP: %s)', async (tcp) => {
    const name = `_ixjkey.${tcp ? 'tcp' : 'udp'}.${zone}`
    const ended = await send(TEST_KEY, [`update add ${name}. 60 TXT "hello"`], tcp)
    expect(ended).toMatchObject({ status: 0 })
    const anchors = made.store.anchor.records
    const found = await delv({ port, name, type: 'TXT', anchors })
    expect(found).toMatchObject({ validated: true, negative: false })
  })

  test('removes it again', async () => {
    await send(TEST_KEY, [`update add gone.${zone}. 60 TXT "hello"`])
    expect(await send(TEST_KEY, [`update delete gone.${zone}. TXT`])).toMatchObject({ status: 0 })
    expect(made.store.content.node(named(`gone.${zone}`))).toBeUndefined()
  })

  test.each([
    [
      'NOTAUTH',
      { ...TEST_KEY, secret: new Uint8Array(32) },
      'update add a.agents.test. 60 TXT "a"',
    ],
    ['REFUSED', SLICE_KEY, 'update add _ixj.other.agents.test. 60 SVCB 1 a.'],
    ['REFUSED', SLICE_KEY, 'update add _ixj.planner.agents.test. 60 TXT "a"'],
    ['REFUSED', undefined, 'update add a.agents.test. 60 TXT "a"'],
  ] as const)('is told %s', async (code, key, line) => {
    const ended = await send(key, [line])
    expect(ended.status).not.toBe(0)
    // Of a MAC that does not hold, BIND's program names the TSIG's own error.
    expect(ended.output).toMatch(code === 'NOTAUTH' ? /NOTAUTH|BADSIG|bad signature/i : code)
  })

  test('may write what its slice is', async () => {
    const line = `update add _ixj.planner.${zone}. 60 SVCB 1 node1.${zone}. port=4001`
    expect(await send(SLICE_KEY, [line])).toMatchObject({ status: 0 })
  })

  test('claims a name that nobody has, first come, first served', async () => {
    const [domain, set] =
      program === 'nsupdate' ? ['prereq nxdomain', 'prereq yxrrset'] : ['nxdomain', 'yxrrset']
    const claim = [`${domain} claimed.${zone}.`, `update add claimed.${zone}. 60 TXT "mine"`]
    expect(await send(TEST_KEY, claim)).toMatchObject({ status: 0 })
    expect((await send(TEST_KEY, claim)).output).toContain('YXDOMAIN')
    const wanted = [`${set} ghost.${zone}. TXT`, `update add ghost.${zone}. 60 TXT "a"`]
    expect((await send(TEST_KEY, wanted)).output).toContain('NXRRSET')
  })
})
