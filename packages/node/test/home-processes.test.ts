import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseName } from '@ixj/names'
import { AnchorSet } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home, openHome } from '../src/home.ts'
import { generateNodeKey } from '../src/node-keys.ts'
import { acme, openFolder } from './home-bench.ts'

const homeModule = fileURLToPath(new URL('../src/home.ts', import.meta.url))
const children: ChildProcess[] = []
let scripts = 0

let folder: Awaited<ReturnType<typeof openFolder>>
let home: Home

beforeEach(async () => {
  folder = await openFolder()
  home = await openHome(join(folder.path, 'home'))
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await folder[Symbol.asyncDispose]()
})

/** Another process with the same home; `script` sees `home`, `parseName` and `ready()`. */
async function start(script: string): Promise<ChildProcess> {
  const path = join(folder.path, `script-${scripts++}.ts`)
  await writeFile(
    path,
    `import { openHome } from ${JSON.stringify(homeModule)}
    const home = await openHome(${JSON.stringify(home.folder)})
    const ready = () => process.stdout.write('ready')
    ${script}`,
  )
  const child = spawn(process.execPath, ['--conditions=ixj:src', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

async function startReady(script: string): Promise<ChildProcess> {
  const child = await start(script)
  await once(child.stdout!, 'data')
  return child
}

async function end(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode
  const [code] = (await once(child, 'exit')) as [unknown]
  return code
}

test('lock() refuses a name that another process has, and says which', async () => {
  const child = await startReady(
    `await home.lock('acme.example'); ready(); setInterval(() => {}, 1000)`,
  )
  await expect(home.lock(acme)).rejects.toMatchObject({
    code: 'in-use',
    message: expect.stringContaining(`process ${child.pid}`) as string,
  })
  await using other = await home.lock(parseName('other.example'))
  expect(other).toBeDefined()
})

test('lock() takes over from a process that was killed', async () => {
  const child = await startReady(
    `await home.lock('acme.example'); ready(); setInterval(() => {}, 1000)`,
  )
  child.kill('SIGKILL')
  await end(child)
  await using lock = await home.lock(acme)
  expect(lock).toBeDefined()
})

test('lock() refuses a second time in one process, and gives the name back; twice is fine', async () => {
  const lock = await home.lock(acme)
  await expect(home.lock(acme)).rejects.toMatchObject({ code: 'in-use' })
  await lock[Symbol.asyncDispose]()
  await lock[Symbol.asyncDispose]()
  await using again = await home.lock(acme)
  expect(again).toBeDefined()
})

test('updateAnchors() of several processes at once loses no change', async () => {
  const { publicKey } = generateNodeKey()
  const add = (from: string): string => `
    const keys = [Uint8Array.from(${JSON.stringify([...publicKey])})]
    for (let index = 0; index < 5; index++) {
      await home.updateAnchors((set) => set.with({ name: '${from}' + index + '.example', keys }))
    }`
  const others = await Promise.all([start(add('a')), start(add('b'))])
  const own = Array.from({ length: 5 }, (_, index) =>
    home.updateAnchors((set) =>
      set.with({ name: parseName(`c${index}.example`), keys: [publicKey] }),
    ),
  )
  await Promise.all(own)
  expect(await Promise.all(others.map((child) => end(child)))).toEqual([0, 0])
  expect((await home.readAnchors()).size).toBe(15)
}, 20_000)

test('a reader never sees a file half-written', async () => {
  const { publicKey } = generateNodeKey()
  const set = (count: number): AnchorSet =>
    new AnchorSet(
      Array.from({ length: count }, (_, index) => ({
        name: parseName(`n${index}.example`),
        keys: [publicKey],
      })),
    )
  const sets = [set(1), set(100)]
  await home.writeAnchors(sets[0]!)
  const written = new AbortController()
  const writers = Array.from({ length: 2 }, async () => {
    for (let index = 0; index < 20; index++) await home.writeAnchors(sets[index % 2]!)
  })
  const done = Promise.all(writers).finally(() => written.abort())
  const sizes = new Set<number>()
  while (!written.signal.aborted) sizes.add((await home.readAnchors()).size)
  await done
  expect([...sizes].filter((size) => size !== 1 && size !== 100)).toEqual([])
})

test('a process killed while it writes leaves the old value or the new one', async () => {
  const child = await startReady(`
    const store = home.store()
    for (let index = 0; ; index++) {
      await store.set('epoch', new Uint8Array(30_000).fill(index % 256))
      if (index === 3) ready()
    }`)
  child.kill('SIGKILL')
  await end(child)
  const value = await home.store().get('epoch')
  expect(value).toHaveLength(30_000)
  expect(new Set(value)).toHaveProperty('size', 1)
  // The next write is not troubled by what was left lying about.
  await home.store().set('epoch', Uint8Array.of(1))
  expect(await home.store().get('epoch')).toEqual(Uint8Array.of(1))
  expect((await readdir(join(home.folder, 'state'))).length).toBeLessThanOrEqual(2)
})
