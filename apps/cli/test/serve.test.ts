import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { decodeMessage, encodeMessage, EMPTY_MESSAGE, CLASS, parseDnsName, TYPE } from '@ixj/dns'
import { toBase64url } from '@ixj/trust'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../../../test/world/dns/ask.ts'
import { freePort } from '../../../test/world/dns/free-port.ts'
import { startNsd } from '../../../test/world/dns/nsd.ts'
import { realTools } from '../../../test/world/dns/real-tools.ts'
import { newTsigKey, secretText } from '../../../test/world/dns/tsig-secret.ts'
import { newCertificate } from '../../../test/world/dns/unbound.ts'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const zone = 'acme.example'
let bench: ProgramBench
beforeAll(async () => {
  bench = await openProgramBench()
})
afterAll(async () => await bench[Symbol.asyncDispose]())

/** A zone of a new home, and its server with more flags. */
async function serve(home: string, port: number, ...flags: readonly string[]) {
  const folder = join(bench.folder, home)
  const ixj = commandsOf(folder)
  await ixj.done('zone', 'init', zone, '--listen', `127.0.0.1:${port}`)
  const server = bench.start(['--home', folder, 'zone', 'serve', '--json', ...flags])
  const [told = {}] = records(await server.line('stdout', '"event":"listening"'))
  return { ixj, server, told }
}

describe.runIf(realTools('a secondary of ixj zone serve', 'nsd'))('zone serve --secondary', () => {
  test('tells a secondary of a new key; it copies the zone with the key for copying', async () => {
    const key = newTsigKey('copies.acme')
    const file = join(bench.folder, 'copies.key')
    const text = `key "${key.name}" { algorithm ${key.algorithm}; secret "${secretText(key)}"; };`
    await writeFile(file, text, { mode: 0o600 })
    const port = await freePort()
    const zones = [{ name: zone, primaryPort: port, key }]
    await using nsd = await startNsd({ zones, waitForZones: false })
    const flags = ['--secondary', `127.0.0.1:${nsd.port}`, '--transfer-key', file]
    const { ixj, server } = await serve('copied', port, ...flags)
    await ixj.done('agent', 'add', `w1.${zone}`)
    const asked = { port: nsd.port, name: `_ixjkey.w1.${zone}`, type: TYPE.TXT, dnssecOk: true }
    let { answers } = EMPTY_MESSAGE
    for (const end = performance.now() + 15_000; answers.length === 0;) {
      // oxlint-disable-next-line no-await-in-loop -- Until the copy is there.
      ;({ answers } = await ask(asked))
      if (performance.now() > end) throw new Error(`NSD did not fetch it:\n${await nsd.log()}`)
    }
    expect(answers.map(({ type }) => type)).toEqual([TYPE.TXT, TYPE.RRSIG])
    expect(await server.stop('SIGTERM')).toMatchObject({ code: 0 })
  })
})

describe('zone serve --https', () => {
  test('answers DNS over HTTPS under the certificate that it was given', async () => {
    const { key, certificate } = await newCertificate('dns.acme.example')
    const [keyFile, certificateFile] = ['key.pem', 'certificate.pem'].map((name) =>
      join(bench.folder, name),
    ) as [string, string]
    await writeFile(keyFile, key)
    await writeFile(certificateFile, certificate)
    const flags = ['--https', `127.0.0.1:${await freePort()}`, '--https-key', keyFile]
    const more = ['--https-certificate', certificateFile]
    const { server, told } = await serve('https', await freePort(), ...flags, ...more)
    const { port } = told['https'] as { readonly port: number }
    const sent = request({
      host: '127.0.0.1',
      port,
      servername: 'dns.acme.example',
      ca: certificate,
      path: `/dns-query?dns=${toBase64url(soaQuery())}`,
    })
    sent.end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const parts: Buffer[] = []
    for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
    const { answers } = decodeMessage(Buffer.concat(parts))
    expect(answers.map(({ type }) => type)).toEqual([TYPE.SOA, TYPE.RRSIG])
    expect(await server.stop('SIGTERM')).toMatchObject({ code: 0 })
  })

  test.each([
    ['a key alone', ['--https', '127.0.0.1:8443', '--https-key', 'key.pem'], 2, 'usage'],
    ['a key for no address', ['--https-key', 'k', '--https-certificate', 'c'], 2, 'usage'],
    [
      'files that are not there',
      ['--https', '127.0.0.1:8443', '--https-key', 'k', '--https-certificate', 'c'],
      1,
      'file',
    ],
  ])('refuses %s', async (what, flags, exit, code) => {
    const ixj = commandsOf(join(bench.folder, what.replaceAll(' ', '-')))
    await ixj.done('zone', 'init', zone, '--listen', `127.0.0.1:${await freePort()}`)
    expect(await ixj.refused('zone', 'serve', ...flags)).toMatchObject({ exit, code })
  })
})

function soaQuery(): Uint8Array {
  return encodeMessage({
    ...EMPTY_MESSAGE,
    questions: [{ name: parseDnsName(zone), type: TYPE.SOA, class: CLASS.IN }],
    edns: { udpBytes: 1_232, version: 0, dnssecOk: true, options: [] },
  })
}
