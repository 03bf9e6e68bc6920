import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  createZone,
  type DnsCode,
  encodeMessage,
  openZoneStore,
  RCODE,
  signTsig,
  TYPE,
  writeTxt,
  type ZoneEdit,
  type ZoneStore,
} from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { runProgram } from '../../../../test/world/dns/programs.ts'
import { repositoryRoot } from '../../../../test/repo/tree.ts'
import { connectTcp } from './tcp-client.ts'
import { makeZone, named, serveZones, TEST_KEY } from './made-zone.ts'
import { handlerOf, sendSigned, updateOf } from './packets.ts'

const txt = (name: string, bytes = 1): ZoneEdit => ({
  kind: 'set',
  name: named(name),
  type: TYPE.TXT,
  ttl: 60,
  data: [writeTxt(new Uint8Array(bytes).fill(0x61))],
})
const failsWith = (code: DnsCode) => expect.objectContaining({ code })

describe('the file of a zone', () => {
  test('keeps its records, its serial and its key over a restart', async () => {
    await using made = await makeZone('z.example')
    await made.store.apply([txt('a.z.example')])
    const { anchor, serial } = made.store
    const before = await made.store.list()
    const store = await made.reopen()
    expect(store.anchor).toEqual(anchor)
    expect(store.serial).toBe(serial)
    expect(new Set(await store.list())).toEqual(new Set(before))
  })

  test('is for its owner alone, and says which command makes it so', async () => {
    await using made = await makeZone('z.example')
    const folder = dirname(made.file)
    expect([statSync(made.file).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([
      0o600, 0o700,
    ])
    chmodSync(made.file, 0o640)
    await expect(made.reopen()).rejects.toThrow(`chmod 600 ${made.file}`)
    chmodSync(made.file, 0o600)
    chmodSync(folder, 0o755)
    await expect(made.reopen()).rejects.toThrow(`chmod 700 ${folder}`)
    chmodSync(folder, 0o700)
    await made.reopen()
  })

  test('is of one process at a time, and of one zone', async () => {
    await using made = await makeZone('z.example')
    await expect(openZoneStore({ file: made.file })).rejects.toEqual(failsWith('storage'))
    await made.store[Symbol.asyncDispose]()
    const wrong = openZoneStore({ file: made.file, zone: named('other.example') })
    await expect(wrong).rejects.toThrow('of z.example, not of other.example')
  })

  test('is not made over another file, nor read from one of another kind', async () => {
    await using made = await makeZone('z.example')
    const again = createZone({
      file: made.file,
      zone: named('z.example'),
      nameservers: [{ name: named('ns.elsewhere.example') }],
      mailbox: named('hostmaster.z.example'),
    })
    await expect(again).rejects.toEqual(failsWith('storage'))
    const other = join(dirname(made.file), 'other')
    writeFileSync(other, 'no database', { mode: 0o600 })
    await expect(openZoneStore({ file: other })).rejects.toEqual(failsWith('storage'))
    await expect(openZoneStore({ file: `${other}-not-there` })).rejects.toEqual(
      failsWith('storage'),
    )
  })

  test('changes that wait together are one write, and one that fails takes no other with it', async () => {
    await using made = await makeZone('z.example')
    const { serial } = made.store
    const outcomes = await Promise.allSettled([
      made.store.apply([txt('a.z.example')]),
      made.store.apply([txt('b.z.example'), txt('b.elsewhere.example')]),
      made.store.apply([txt('c.z.example')], {
        conditions: [{ kind: 'present', name: named('a.z.example') }],
      }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(made.store.serial).toBe(serial + 1)
    const store = await made.reopen()
    const names = ['a', 'b', 'c'].map(
      (label) => store.content.node(named(`${label}.z.example`)) !== undefined,
    )
    expect(names).toEqual([true, false, true])
  })

  test('changes that take long let other work run in between', async () => {
    await using made = await makeZone('z.example')
    let turns = 0
    const slow = () => {
      for (const end = performance.now() + 60; performance.now() < end;) continue
    }
    const changes = Promise.all(Array.from({ length: 4 }, () => made.store.change(slow)))
    let isDone = false
    const count = () => {
      turns++
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await changes
    isDone = true
    expect(turns).toBeGreaterThanOrEqual(3)
  })

  test('disposing makes the changes that wait; afterwards there are none', async () => {
    await using made = await makeZone('z.example')
    const waiting = made.store.apply([txt('a.z.example')])
    await made.store[Symbol.asyncDispose]()
    await made.store[Symbol.asyncDispose]()
    await waiting
    await expect(made.store.apply([txt('b.z.example')])).rejects.toEqual(failsWith('storage'))
    const store = await made.reopen()
    expect(store.content.node(named('a.z.example'))).toBeDefined()
  })
})

/** Fills the disk by updates, then makes room: nothing is half done, and queries go on. */
async function fillThenMakeRoom(options: {
  readonly file: string
  readonly fileBytesMax?: number
  readonly makeRoom: (store: ZoneStore) => Promise<void>
}): Promise<readonly boolean[]> {
  const zone = {
    zone: named('z.example'),
    nameservers: [{ name: named('ns.elsewhere.example') }],
    mailbox: named('hostmaster.z.example'),
  }
  await using store = await createZone({ ...options, ...zone })
  await using server = await serveZones([store])
  let count = 0
  const fill = async () => {
    for (; count < 1_000; count++) {
      const [one, other] = [`a.n${count}.z.example`, `b.n${count}.z.example`]
      await store.apply([txt(one, 4_000), txt(other, 4_000)])
    }
  }
  await expect(fill()).rejects.toEqual(failsWith('storage'))
  const { serial } = store
  const isThere = (label: string) => store.content.node(named(`${label}.z.example`)) !== undefined
  expect([isThere(`a.n${count - 1}`), isThere(`n${count}`)]).toEqual([true, false])
  const changes = Array.from({ length: 100 }, (_, index) => `l${index} 60 IN TXT ${LONG_TXT}`)
  const refused = await sendSigned(handlerOf([store]), updateOf('z.example', { changes }))
  expect([refused.rcode, isThere('l0'), store.serial]).toEqual([RCODE.SERVFAIL, false, serial])
  const answer = await ask({ port: server.port, name: 'a.n1.z.example', type: TYPE.TXT, tcp: true })
  expect(answer.answers).toHaveLength(1)

  await options.makeRoom(store)
  await store.apply([txt('again.z.example', 4_000)])
  await store[Symbol.asyncDispose]()
  await using opened = await openZoneStore({ file: options.file })
  return [`a.n${count - 1}`, `n${count}`, 'l0', 'again'].map(
    (label) => opened.content.node(named(`${label}.z.example`)) !== undefined,
  )
}

const LONG_TXT = `hex:ff${'61'.repeat(255)}`

describe('a full disk refuses updates, keeps answering, and takes updates when there is room', () => {
  test('where the size of the file is bounded', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-full-'))
    const after = await fillThenMakeRoom({
      file: join(folder.path, 'zones', 'z.zone'),
      fileBytesMax: 200_000,
      makeRoom: (store) => store.apply([{ kind: 'remove', name: named('a.n0.z.example') }]),
    })
    expect(after).toEqual([true, false, false, true])
  })

  test('where it is a real one, of 1 MiB', async (context) => {
    await using disk = await mountSmallDisk()
    if (disk === undefined) return context.skip()
    const ballast = join(disk.path, 'ballast')
    writeFileSync(ballast, new Uint8Array(400_000))
    const after = await fillThenMakeRoom({
      file: join(disk.path, 'zones', 'z.zone'),
      makeRoom: async () => rmSync(ballast),
    })
    expect(after).toEqual([true, false, false, true])
  })
})

/** A disk of 1 MiB; undefined where it cannot be had: only root may mount, not in every container. */
async function mountSmallDisk(): Promise<
  (AsyncDisposable & { readonly path: string }) | undefined
> {
  const path = mkdtempSync(join(tmpdir(), 'ixj-disk-'))
  const words = ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', path]
  const { status, output } = await runProgram('mount', words)
  if (status !== 0) {
    rmdirSync(path)
    console.log(`Left out: a zone on a full disk of its own: ${output.trim()}`)
    return undefined
  }
  const unmount = async () => {
    await runProgram('umount', ['-l', path])
    rmdirSync(path)
  }
  return { path, [Symbol.asyncDispose]: unmount }
}

test('kill -9 between updates loses nothing that was acknowledged', async () => {
  await using made = await makeZone('z.example')
  await made.store[Symbol.asyncDispose]()
  const script = fileURLToPath(new URL('./acknowledging-server.ts', import.meta.url))
  const words = ['--conditions=ixj:src', script, made.file]
  let next = 0
  const acknowledged: number[] = []
  for (let round = 0; round < 2; round++) {
    const child = spawn(process.execPath, words, {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    using client = await connectTcp(Number(line))
    const update = (index: number) => {
      const changes = [`n${index} 60 IN TXT "a"`, `m${index} 60 IN TXT "b"`]
      const bytes = encodeMessage({ ...updateOf('z.example', { changes }), id: index })
      return signTsig(bytes, { key: TEST_KEY, now: Date.now() }).bytes
    }
    for (const end = next + 200; next < end; next++) client.send(update(next))
    // Some are answered, others are on their way when it dies.
    for (let answers = 0; answers < 60; answers++) {
      const reply = await client.next()
      acknowledged.push((reply[0]! << 8) | reply[1]!)
    }
    child.kill('SIGKILL')
    await ended
  }
  await using store = await openZoneStore({ file: made.file })
  const has = (label: string) => store.content.node(named(`${label}.z.example`)) !== undefined
  expect(acknowledged).toHaveLength(120)
  expect(acknowledged.filter((index) => !has(`n${index}`) || !has(`m${index}`))).toEqual([])
  const halves = Array.from({ length: next }, (_, index) => index).filter(
    (index) => has(`n${index}`) !== has(`m${index}`),
  )
  expect(halves).toEqual([])
})
