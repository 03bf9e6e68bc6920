import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DnsRecord,
  formatRecord,
  formatZone,
  parseDnsName,
  parseRecord,
  parseZone,
  TYPE,
} from '@ixj/dns/proof'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { dig, type Ended, runProgram } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { records } from './random-records.ts'

const zone = parseDnsName('agents.example')
const programs = ['named', 'named-checkzone', 'named-compilezone', 'nsd-checkzone', 'knotc', 'dig']

/** A zone with one of everything that is drawn, without what rules of zones forbid. */
function drawnZone(seed: number): readonly DnsRecord[] {
  const drawn = fc.sample(records(zone, true), { numRuns: 300, seed })
  const front = parseZone(zoneText(zone), { origin: zone })
  const isTaken = new Set(front.map(({ name }) => name))
  const kept = drawn.filter(
    ({ name, type, ttl }) =>
      // Cuts hide what is below; wildcards and TTLs of one RRset have rules of their own.
      ![TYPE.NS, TYPE.DS, TYPE.DNSKEY].includes(type as never) &&
      !name.includes('*') &&
      ttl > 0 &&
      !isTaken.has(name),
  )
  const byName = new Map(kept.map((record) => [record.name, record]))
  return [...front, ...byName.values()]
}

describe.runIf(realTools('zone text against other readers', ...programs, 'ldns-read-zone'))(
  'the text of a zone',
  () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const list = drawnZone(seed)
    const text = formatZone(list, { origin: zone })

    async function check(words: (folder: string) => readonly string[]): Promise<Ended> {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-zone-'))
      await writeFile(join(folder.path, 'zone'), text)
      await writeFile(
        join(folder.path, 'knot.conf'),
        `database:\n    storage: "${folder.path}"\nzone:\n  - domain: ${zone}\n    file: "${folder.path}/zone"\n`,
      )
      const [program = '', ...rest] = words(folder.path)
      return await runProgram(program, rest)
    }

    test.each([
      ['named-checkzone', (at: string) => ['named-checkzone', '-k', 'ignore', zone, `${at}/zone`]],
      ['nsd-checkzone', (at: string) => ['nsd-checkzone', zone, `${at}/zone`]],
      ['ldns-read-zone', (at: string) => ['ldns-read-zone', '-s', `${at}/zone`]],
      ['knotc', (at: string) => ['knotc', '-c', `${at}/knot.conf`, 'zone-check', zone]],
    ] as const)('is taken by %s', async (_, words) => {
      const { status, output } = await check(words)
      expect(status, `seed ${seed}\n${output}\n${text}`).toBe(0)
    })

    test('as named-compilezone writes it again has the same records', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-zone-'))
      const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')]
      await writeFile(from, text)
      for (const style of ['full', 'relative']) {
        const words = ['-k', 'ignore', '-s', style, '-o', to, zone, from]
        const { status, output } = await runProgram('named-compilezone', words)
        expect(status, `seed ${seed}\n${output}`).toBe(0)
        const read = parseZone(await readFile(to, 'utf8'), { origin: zone })
        expect(new Set(read.map(formatRecord)), `seed ${seed}`).toEqual(
          new Set(list.map(formatRecord)),
        )
      }
    })

    test.each([{}, { nsec3: true }, { algorithm: 'ecdsap256sha256' }] as const)(
      'of a signed zone %o is read as dig writes it',
      async (variant) => {
        const zones = [{ name: zone, text: zoneText(zone), ...variant }]
        await using bind = await startBind({ zones })
        const { output } = await dig({ port: bind.port, name: zone, type: 'AXFR', key: bind.key })
        const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith(';'))
        const read = lines.filter((line) => !line.includes('TSIG')).map((line) => parseRecord(line))
        const types = new Set(read.map(({ type }) => type))
        const chain = 'nsec3' in variant ? TYPE.NSEC3 : TYPE.NSEC
        for (const type of [TYPE.SOA, TYPE.DNSKEY, TYPE.RRSIG, TYPE.SVCB, chain]) {
          expect(types).toContain(type)
        }
        const again = parseZone(formatZone(read, { origin: zone }), { origin: zone })
        expect(new Set(again.map(formatRecord))).toEqual(new Set(read.map(formatRecord)))
        // BIND keeps what it has to sign in a type of its own.
        const known = read.filter(({ type }) => type !== 65_534).map(formatRecord)
        expect(known.filter((line) => line.includes('\\#'))).toEqual([])
      },
    )
  },
)
