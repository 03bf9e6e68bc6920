import { describe, expect, test } from 'vitest'
import {
  type DnsName,
  openRfc2136Backend,
  parseDnsName,
  TYPE,
  type TsigKey,
  type ZoneBackend,
  type ZoneEdit,
} from '@ixj/dns'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { freePort } from '../../../../test/world/dns/free-port.ts'
import { startKnot } from '../../../../test/world/dns/knot.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { newTsigKey } from '../../../../test/world/dns/tsig-secret.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { openLossyPath } from './lossy-path.ts'

const zone = parseDnsName('agents.test')
const zones = [{ name: zone, text: zoneText(zone) }]

function at(label: string): DnsName {
  return parseDnsName(`${label}.${zone}`)
}

function setText(label: string, text = 'x'): ZoneEdit {
  const data = [Buffer.from([text.length, ...Buffer.from(text)])]
  return { kind: 'set', name: at(label), type: TYPE.TXT, ttl: 60, data }
}

function backendAt(port: number, key: TsigKey, now?: () => number): ZoneBackend {
  const server = { address: '127.0.0.1', port }
  return openRfc2136Backend({ zone, server, key, ...(now === undefined ? {} : { now }) })
}

async function labels(backend: ZoneBackend): Promise<ReadonlySet<string>> {
  return new Set((await backend.list()).map(({ name }) => name))
}

const run = realTools('what a production back-end refuses and survives', 'named', 'knotd')

describe.runIf(run)('a backend on a server', () => {
  test.each(['BIND', 'Knot'])('that is %s: says what is wrong with the key', async (kind) => {
    await using server = await (kind === 'BIND' ? startBind({ zones }) : startKnot({ zones }))
    const { port, key } = server
    const tried = async (wrong: TsigKey, now?: () => number) =>
      await backendAt(port, wrong, now)
        .apply([setText('w1')])
        .then(
          () => 'made',
          (error: Error) => error.message,
        )
    expect(await tried(newTsigKey('ourtool'))).toMatch(/BADSIG: it has another secret/)
    expect(await tried(newTsigKey('another'))).toMatch(/BADKEY: it does not know/)
    expect(await tried({ ...key, algorithm: 'hmac-sha512' })).toMatch(/BADKEY/)
    for (const hours of [-1, 1]) {
      const now = () => Date.now() + hours * 3_600_000
      expect(await tried(key, now)).toMatch(/BADTIME: its clock and ours/)
    }
    expect(await labels(backendAt(port, key))).not.toContain(at('w1'))
  })

  test('refuses what a team may not change, and makes none of it (BIND)', async () => {
    const keys = ['ourtool', 'team-a'].map((name) => newTsigKey(name))
    const updatePolicy = [
      'grant ourtool zonesub SVCB TXT TLSA',
      `grant team-a subdomain team-a.${zone}. SVCB TXT TLSA`,
    ]
    const [{ name, text }] = [zones[0]!]
    await using bind = await startBind({ zones: [{ name, text, updatePolicy }], keys })
    const [ours, team] = keys.map((key) => backendAt(bind.port, key))
    const address = {
      kind: 'set',
      name: at('w1.team-a'),
      type: TYPE.A,
      ttl: 60,
      data: [Uint8Array.of(127, 0, 0, 1)],
    } as const
    await team!.apply([setText('w1.team-a')])
    for (const edits of [
      [setText('w2.team-a'), setText('w1.team-b')],
      [setText('w2.team-a'), setText('team-a-not')],
      [setText('w2.team-a'), address],
    ]) {
      await expect(team!.apply(edits)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('REFUSED') as string,
      })
    }
    await ours!.apply([setText('w1.team-b')])
    const there = await labels(ours!)
    expect(there).toContain(at('w1.team-a'))
    expect(there).not.toContain(at('w2.team-a'))
  })

  test('refuses types that an update may not touch (Knot)', async () => {
    const [{ name, text }] = [zones[0]!]
    await using knot = await startKnot({ zones: [{ name, text, updateTypes: ['TXT', 'SVCB'] }] })
    const backend = backendAt(knot.port, knot.key)
    const address = [Uint8Array.of(127, 0, 0, 1)]
    const edit = { kind: 'set', name: at('w2'), type: TYPE.A, ttl: 60, data: address } as const
    // Knot has no other word for what its rules do not allow.
    const changed = backend.apply([setText('w1'), edit])
    await expect(changed).rejects.toThrow(/BADKEY.* or the key may not do this/)
    expect(await labels(backend)).not.toContain(at('w1'))
  })

  test('says that a server has not the zone', async () => {
    await using bind = await startBind({
      zones: [{ name: 'other.test', text: zoneText('other.test') }],
    })
    const changed = backendAt(bind.port, bind.key).apply([setText('w1')])
    await expect(changed).rejects.toMatchObject({ code: 'refused' })
  })

  test('says that a change was taken and is not to be seen', async () => {
    await using bind = await startBind({ zones })
    const backend = backendAt(bind.port, bind.key)
    const data = [Buffer.from('\u0001a\u0004test\u0000')]
    await backend.apply([{ kind: 'set', name: at('alias'), type: TYPE.CNAME, ttl: 60, data }])
    // A server passes over a record beside an alias, and says that all is well.
    const changed = backend.apply([setText('alias')])
    await expect(changed).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('answers otherwise') as string,
    })
  })

  test('fails at once where nobody listens', async () => {
    const start = performance.now()
    const backend = backendAt(await freePort(), newTsigKey('ourtool'))
    await expect(backend.apply([setText('w1')])).rejects.toMatchObject({ code: 'unreachable' })
    await expect(backend.list()).rejects.toMatchObject({ code: 'unreachable' })
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  test('ends when it is aborted while a server does not answer', async () => {
    await using bind = await startBind({ zones })
    process.kill(bind.pid, 'SIGSTOP')
    const backend = backendAt(bind.port, bind.key)
    const reason = new Error('enough')
    const controller = new AbortController()
    const { signal } = controller
    const waiting = [backend.apply([setText('w1')], { signal }), backend.list({ signal })]
    setImmediate(() => controller.abort(reason))
    const ended = await Promise.allSettled(waiting)
    expect(ended).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ])
  })

  test.each(['BIND', 'Knot'])('%s killed amid changes keeps those that were seen', async (kind) => {
    await using server = await (kind === 'BIND' ? startBind({ zones }) : startKnot({ zones }))
    const backend = backendAt(server.port, server.key)
    const outcomes: unknown[] = []
    let seen = 0
    const change = async (): Promise<void> => {
      for (let count = 0; count < 1_000; count++) {
        const batch = outcomes.push('under way') - 1
        try {
          await backend.apply([setText(`a${batch}`), setText(`b${batch}`)])
          outcomes[batch] = 'seen'
          if (++seen === 20) await server.kill()
        } catch (error) {
          outcomes[batch] = (error as { code?: string }).code
          return
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, change))
    expect(new Set(outcomes)).toEqual(new Set(['seen', 'unreachable']))
    await server.restart()
    const there = await labels(backend)
    for (const [batch, outcome] of outcomes.entries()) {
      const whole = [`a${batch}`, `b${batch}`].map((label) => there.has(at(label)))
      expect(whole[0], `batch ${batch} in whole or not at all`).toBe(whole[1])
      expect(whole[0] || outcome !== 'seen', `batch ${batch} was seen`).toBe(true)
    }
  })

  test('knows its own claim again where the answer was lost, and not another one', async () => {
    await using bind = await startBind({ zones })
    await using path = await openLossyPath(bind.port)
    const backend = backendAt(path.port, bind.key)
    const claim = async (text: string) => {
      path.toLose = 1
      const conditions = [{ kind: 'absent', name: at('w1') }] as const
      await backend.apply([setText('w1', text)], { conditions })
    }
    await claim('mine')
    expect(path.passed).toBeGreaterThan(1)
    await expect(claim('yours')).rejects.toMatchObject({ code: 'zone' })
    const listed = (await backend.list()).filter(({ name }) => name === at('w1'))
    expect(listed.map(({ data }) => Buffer.from(data).toString())).toEqual(['\u0004mine'])
  })
})
