import {
  chmod,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFileBackend, parseDnsName, parseZone, TYPE, type ZoneBackend } from '@ixj/dns'
import { runProgram } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { canMakeDisks, openSmallDisk } from '../../../../test/world/dns/small-disk.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { describeBackend } from './backend-contract.ts'

const zone = parseDnsName('agents.test')

describeBackend('a file', async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-file-'))
  const file = join(folder.path, 'agents.zone')
  await writeFile(file, zoneText(zone))
  const backend = await openFileBackend({ zone, file })
  return { backend, [Symbol.asyncDispose]: () => folder.remove() }
})

async function withFile<Result>(
  text: string,
  use: (file: string, folder: string) => Promise<Result>,
): Promise<Result> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-file-'))
  const file = join(folder.path, 'agents.zone')
  await writeFile(file, text)
  return await use(file, folder.path)
}

async function setText(backend: ZoneBackend, label: string, bytes = 1): Promise<void> {
  const name = parseDnsName(`${label}.${zone}`)
  const data = [Uint8Array.of(bytes, ...Array.from({ length: bytes }, () => 0x78))]
  await backend.apply([{ kind: 'set', name, type: TYPE.TXT, ttl: 60, data }])
}

describe('openFileBackend()', () => {
  test.each([
    ['that is no zone file', 'This is a letter.\n', /line 1/],
    ['of another zone', zoneText('other.test'), /outside/],
    ['with an error far down', `${zoneText(zone)}w1 60 IN A 192.0.2\n`, /line 11.*IPv4/],
    ['without an SOA', 'w1.agents.test. 60 IN A 192.0.2.1\n', /0 SOA/],
    ['without an NS', 'agents.test. 60 IN SOA a. b. 1 2 3 4 5\n', /no NS/],
    ['that is signed', `${zoneText(zone)}w1 60 IN NSEC w2 A\n`, /signed/],
    ['that is empty', '', /0 SOA/],
  ])('refuses a file %s, and does not touch it', async (_, text, message) => {
    await withFile(text, async (file) => {
      const opened = openFileBackend({ zone, file })
      await expect(opened).rejects.toMatchObject({
        code: 'storage',
        message: expect.stringMatching(message) as string,
      })
      expect(await readFile(file, 'utf8')).toBe(text)
    })
  })

  test('refuses a file that is not there, unless it is told how it begins', async () => {
    await withFile('', async (_, folder) => {
      const file = join(folder, 'new.zone')
      await expect(openFileBackend({ zone, file })).rejects.toMatchObject({ code: 'storage' })
      const initial = parseZone(zoneText(zone), { origin: zone })
      const backend = await openFileBackend({ zone, file, initial })
      expect(new Set(await backend.list())).toEqual(new Set(initial))
      // Opened again, what is there counts.
      await setText(backend, 'w1')
      const again = await openFileBackend({ zone, file, initial })
      expect(await again.list()).toHaveLength(initial.length + 1)
    })
  })

  test('sees what a person changed in between, and refuses what he broke', async () => {
    await withFile(zoneText(zone), async (file) => {
      const backend = await openFileBackend({ zone, file })
      await writeFile(file, `${await readFile(file, 'utf8')}\nby-hand 60 IN TXT "yes"\n`)
      await setText(backend, 'w1')
      expect(await readFile(file, 'utf8')).toContain('by-hand')
      await writeFile(file, 'broken')
      await expect(setText(backend, 'w2')).rejects.toMatchObject({ code: 'storage' })
      expect(await readFile(file, 'utf8')).toBe('broken')
    })
  })

  test('keeps the mode of the file, follows a link to it, and leaves nothing beside it', async () => {
    await withFile(zoneText(zone), async (file, folder) => {
      await chmod(file, 0o640)
      const link = join(folder, 'link.zone')
      await symlink(file, link)
      // As a crash would leave it.
      await symlink(join(folder, 'elsewhere'), join(folder, `.agents.zone.${process.pid}.new`))
      const backend = await openFileBackend({ zone, file: link })
      await setText(backend, 'w1')
      expect((await stat(file)).mode & 0o777).toBe(0o640)
      expect(await readFile(file, 'utf8')).toContain('w1 ')
      expect((await readdir(folder)).toSorted()).toEqual(['agents.zone', 'link.zone'])
    })
  })

  test('refuses data without the form of their type, and an alias beside others', async () => {
    await withFile(zoneText(zone), async (file) => {
      const backend = await openFileBackend({ zone, file })
      const before = await readFile(file, 'utf8')
      const name = parseDnsName(`node1.${zone}`)
      const edit = { kind: 'set', name, ttl: 60 } as const
      const short = backend.apply([{ ...edit, type: TYPE.A, data: [Uint8Array.of(1)] }])
      await expect(short).rejects.toMatchObject({ code: 'record' })
      const alias = backend.apply([{ ...edit, type: TYPE.CNAME, data: [Uint8Array.of(0)] }])
      await expect(alias).rejects.toMatchObject({ code: 'zone' })
      expect(await readFile(file, 'utf8')).toBe(before)
    })
  })

  test('goes on after a change that failed', async () => {
    await withFile(zoneText(zone), async (file) => {
      const backend = await openFileBackend({ zone, file })
      const failed = backend.apply([{ kind: 'remove', name: zone, type: TYPE.TXT }], {
        conditions: [{ kind: 'present', name: parseDnsName(`gone.${zone}`) }],
      })
      const made = setText(backend, 'w1')
      await expect(failed).rejects.toMatchObject({ code: 'zone' })
      await made
      expect(await readFile(file, 'utf8')).toContain('w1 ')
    })
  })

  test.runIf(realTools('the zone file against BIND', 'named-checkzone'))(
    'writes a file that named-checkzone takes',
    async () => {
      await withFile(zoneText(zone), async (file) => {
        const backend = await openFileBackend({ zone, file })
        await Promise.all(Array.from({ length: 20 }, (_, index) => setText(backend, `w${index}`)))
        const { status, output } = await runProgram('named-checkzone', [zone, file])
        expect(status, output).toBe(0)
        expect(output).toContain('loaded serial 21')
      })
    },
  )
})

describe.runIf(canMakeDisks())('on a full disk', () => {
  test('a change fails, and the file stays as it was', async () => {
    await using disk = await openSmallDisk(64)
    const file = join(disk.folder, 'agents.zone')
    await writeFile(file, zoneText(zone))
    const backend = await openFileBackend({ zone, file })
    await setText(backend, 'w1')
    const message = expect.stringMatching(/ENOSPC/) as string
    expect(await fill(backend)).toMatchObject({ code: 'storage', message })
    const names = new Set((await backend.list()).map(({ name }) => name))
    expect(names).toContain(`w1.${zone}`)
    expect(await readdir(disk.folder)).toEqual(['agents.zone'])
  })
})

/** Adds records until the disk is full, and gives the error. */
async function fill(backend: ZoneBackend): Promise<unknown> {
  for (let count = 0; count < 500; count++) {
    try {
      await setText(backend, `full${count}`, 255)
    } catch (error) {
      return error
    }
  }
  return undefined
}
