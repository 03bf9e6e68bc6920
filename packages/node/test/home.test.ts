import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { AnchorSet, SEED_BYTES, toBase64url } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FILE_NAME_MAX, type Home, openHome, STATEMENTS_MAX } from '../src/home.ts'
import { DEFAULT_POLICY } from '../src/policy.ts'
import { acme, born, openFolder, openOffice } from './home-bench.ts'

const w1 = parseName('w1.acme.example')
const seed = new Uint8Array(SEED_BYTES).fill(7)

let folder: Awaited<ReturnType<typeof openFolder>>
let home: Home

beforeEach(async () => {
  folder = await openFolder()
  home = await openHome(join(folder.path, 'home'))
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

async function change(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')))
}

describe('keys', () => {
  const path = (): string => home.keyPath(acme)

  test('createKey() makes a file that only its owner may read, in folders that only he may enter', async () => {
    const signer = await home.createKey(acme)
    expect(await modeOf(path())).toBe('600')
    expect(await modeOf(join(home.folder, 'keys'))).toBe('700')
    expect(await modeOf(home.folder)).toBe('700')
    expect((await home.readSigner(acme)).publicKey).toEqual(signer.publicKey)
    expect(await home.keyNames()).toEqual([acme])
  })

  test('createKey() never overwrites a key', async () => {
    const { publicKey } = await home.createKey(acme)
    await expect(home.createKey(acme)).rejects.toMatchObject({ code: 'exists' })
    expect((await home.readSigner(acme)).publicKey).toEqual(publicKey)
  })

  test('of many createKey() at once one wins, and its key is the one that stays', async () => {
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => home.createKey(acme)))
    const winners = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(winners).toHaveLength(1)
    expect((await home.readSigner(acme)).publicKey).toEqual(winners[0]?.publicKey)
    expect(await readdir(join(home.folder, 'keys'))).toEqual([`${acme}.key`])
  })

  test('writeKey() refuses a seed of another length', async () => {
    const short = seed.slice(1)
    await expect(home.writeKey(acme, short)).rejects.toMatchObject({ code: 'bad-key' })
  })

  test('readSigner() refuses where there is no key', async () => {
    await expect(home.readSigner(acme)).rejects.toMatchObject({
      code: 'key-file',
      message: expect.stringContaining(path()) as string,
    })
  })

  test.each(['640', '604', '660', '644'])('readSigner() refuses a key of mode %s', async (mode) => {
    await home.createKey(acme)
    await chmod(path(), Number.parseInt(mode, 8))
    await expect(home.readSigner(acme)).rejects.toMatchObject({
      code: 'key-file',
      message: expect.stringContaining(
        `its mode is 0${mode}, so others may read or change it; run: chmod 600 ${path()}`,
      ) as string,
    })
    await chmod(path(), 0o600)
    await home.readSigner(acme)
  })

  test('readSigner() takes a stricter mode', async () => {
    const { publicKey } = await home.createKey(acme)
    await chmod(path(), 0o400)
    expect((await home.readSigner(acme)).publicKey).toEqual(publicKey)
  })

  test('readSigner() refuses a key in a folder that others may enter', async () => {
    await home.createKey(acme)
    await chmod(join(home.folder, 'keys'), 0o750)
    await expect(home.readSigner(acme)).rejects.toMatchObject({
      code: 'key-file',
      message: expect.stringContaining(`chmod 700 ${join(home.folder, 'keys')}`) as string,
    })
  })

  test('createKey() writes no secret into a folder that others may enter', async () => {
    await mkdir(join(home.folder, 'keys'), { mode: 0o755 })
    await expect(home.createKey(acme)).rejects.toMatchObject({ code: 'key-file' })
    expect(await readdir(join(home.folder, 'keys'))).toEqual([])
  })

  test('readSigner() refuses the key of another name', async () => {
    await home.createKey(acme)
    await writeFile(home.keyPath(w1), await readFile(path()), { mode: 0o600 })
    await expect(home.readSigner(w1)).rejects.toMatchObject({
      code: 'key-file',
      message: expect.stringContaining('it is the key of "acme.example"') as string,
    })
  })

  test('readSigner() refuses a key file that is cut off anywhere', async () => {
    await home.writeKey(acme, seed)
    const whole = await readFile(path(), 'utf8')
    for (let length = 0; length < whole.trimEnd().length; length += 7) {
      await writeFile(path(), whole.slice(0, length))
      await expect(home.readSigner(acme), `${length}`).rejects.toMatchObject({ code: 'key-file' })
    }
  })

  test.each([
    ['no JSON', () => 'secret'],
    ['a list', () => '[]'],
    ['another version', (text: string) => text.replace('"version": 1', '"version": 2')],
    ['a peer key', (text: string) => text.replace('"purpose": "name"', '"purpose": "peer"')],
    ['another seed', (text: string) => text.replace('BwcH', 'CwcH')],
    ['a short seed', (text: string) => text.replace('BwcH', '')],
    ['no base64url', (text: string) => text.replace('BwcH', 'Bw*H')],
    ['an unknown member', (text: string) => text.replace('{', '{ "more": 1,')],
    ['a missing member', (text: string) => text.replace(/"publicKey".*\n/, '')],
    ['a member twice', (text: string) => text.replace('{', '{ "purpose": "name",')],
    ['too many bytes', (text: string) => `${text}${' '.repeat(5_000)}`],
  ])(
    'readSigner() refuses a key file with %s, and shows nothing of the secret',
    async (_, edit) => {
      await home.writeKey(acme, seed)
      await change(path(), edit)
      const cause: unknown = await home.readSigner(acme).catch((error: unknown) => error)
      expect(cause).toMatchObject({ code: 'key-file' })
      expect(String(cause)).not.toMatch(/BwcH|secret/)
    },
  )

  test('readSigner() refuses a folder in the place of a key', async () => {
    await mkdir(path(), { recursive: true, mode: 0o700 })
    await chmod(join(home.folder, 'keys'), 0o700)
    await expect(home.readSigner(acme)).rejects.toMatchObject({ code: 'key-file' })
  })

  test('keyNames() passes over files that are no keys', async () => {
    await home.createKey(w1)
    await home.createKey(acme)
    for (const file of ['notes.txt', 'No Name.key', `${w1}.key.0123.tmp`]) {
      await writeFile(join(home.folder, 'keys', file), '')
    }
    expect(await home.keyNames()).toEqual([acme, w1])
  })

  test('a name too long for a file name is refused with the limit', async () => {
    const long = parseName(`${'a.'.repeat(100)}example`)
    await expect(home.createKey(long)).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining(`limit ${FILE_NAME_MAX}`) as string,
    })
  })

  test('readPeerKey() makes one key for each node, and keeps it', async () => {
    const first = await Promise.all([home.readPeerKey(w1), home.readPeerKey(w1)])
    expect(first[0]).toHaveLength(SEED_BYTES)
    expect(first[1]).toEqual(first[0])
    expect(await home.readPeerKey(w1)).toEqual(first[0])
    expect(await home.readPeerKey(acme)).not.toEqual(first[0])
    expect(await modeOf(join(home.folder, 'peers', `${w1}.key`))).toBe('600')
  })
})

describe('what is trusted', () => {
  test('openHome() refuses a folder that others may change, not one that they may read', async () => {
    await chmod(home.folder, 0o755)
    await openHome(home.folder)
    await chmod(home.folder, 0o775)
    await expect(openHome(home.folder)).rejects.toMatchObject({
      code: 'unsafe-mode',
      message: expect.stringContaining(`chmod 700 ${home.folder}`) as string,
    })
  })

  test('openHome() refuses a file in the place of the folder', async () => {
    const path = join(folder.path, 'file')
    await writeFile(path, '')
    await expect(openHome(path)).rejects.toMatchObject({ code: 'file' })
  })

  test('statements come back as they were written', async () => {
    const office = await openOffice(join(folder.path, 'office'))
    await born({ office, home, name: w1 })
    const { statements } = await home.readIdentity(w1)
    expect(statements.map(({ statement }) => statement.kind)).toEqual(['binding'])
    await home.writeStatements(w1, statements)
    expect((await home.readIdentity(w1)).statements).toEqual(statements)
  })

  test('readIdentity() gives no statements where none were written', async () => {
    await home.createKey(acme)
    expect((await home.readIdentity(acme)).statements).toEqual([])
  })

  test('readIdentity() refuses statements of another name, cut off, or changed by others', async () => {
    const office = await openOffice(join(folder.path, 'office'))
    await born({ office, home, name: w1 })
    const path = join(home.folder, 'statements', `${w1}.json`)
    const whole = await readFile(path, 'utf8')
    for (const [text, code] of [
      [whole.replace(`"name": "${w1}"`, `"name": "${acme}"`), 'malformed'],
      [whole.slice(0, -20), 'malformed'],
      ['', 'malformed'],
      [whole.replace(/"[\w-]{40}/, '"A'), 'malformed'],
      [whole.replace('"version": 1', '"version": 9'), 'unsupported'],
    ] as const) {
      await writeFile(path, text)
      await expect(home.readIdentity(w1), text.slice(0, 60)).rejects.toMatchObject({ code })
    }
    await writeFile(path, whole)
    await chmod(path, 0o620)
    await expect(home.readIdentity(w1)).rejects.toMatchObject({ code: 'unsafe-mode' })
  })

  test('writeStatements() refuses more than it would read again', async () => {
    const office = await openOffice(join(folder.path, 'office'))
    await born({ office, home, name: w1 })
    const { statements } = await home.readIdentity(w1)
    const many = Array.from({ length: STATEMENTS_MAX + 1 }, () => statements[0]!)
    await expect(home.writeStatements(w1, many)).rejects.toMatchObject({ code: 'too-large' })
    expect((await home.readIdentity(w1)).statements).toEqual(statements)
  })

  test('anchors come back, and a home without any trusts nobody', async () => {
    expect((await home.readAnchors()).size).toBe(0)
    const office = await openOffice(join(folder.path, 'office'))
    const { list } = await office.readAnchors()
    expect(list.map(({ name }) => name)).toEqual([acme])
  })

  test.each([
    ['{', 'malformed'],
    ['{"version":1}', 'malformed'],
    ['{"version":2,"anchors":[]}', 'unsupported'],
    [Buffer.of(0xff, 0xfe), 'malformed'],
  ])('readAnchors() refuses %o', async (content, code) => {
    await home.writeAnchors(new AnchorSet())
    const path = join(home.folder, 'trust', 'anchors.json')
    await writeFile(path, content)
    await expect(home.readAnchors()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(path) as string,
    })
  })

  test('readAnchors() refuses a file that others may change', async () => {
    await home.writeAnchors(new AnchorSet())
    await chmod(join(home.folder, 'trust', 'anchors.json'), 0o602)
    await expect(home.readAnchors()).rejects.toMatchObject({ code: 'unsafe-mode' })
  })

  test('updateAnchors() changes nothing when the change throws', async () => {
    const office = await openOffice(join(folder.path, 'office'))
    const failing = office.updateAnchors(() => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect((await office.readAnchors()).size).toBe(1)
    await office.updateAnchors((anchors) => anchors.without(acme))
    expect((await office.readAnchors()).size).toBe(0)
  })
})

describe('policy', () => {
  const text = 'forbid (principal, action, resource);'
  const read = async () => await readFile(await home.policyPath(), 'utf8')

  test('policyPath() writes the default policy where there is none, and leaves another alone', async () => {
    expect(await read()).toBe(DEFAULT_POLICY)
    expect(await modeOf(await home.policyPath())).toBe('600')
    await writeFile(await home.policyPath(), text)
    expect(await read()).toBe(text)
  })

  test('of many policyPath() at once each finds a whole policy', async () => {
    const found = await Promise.all(Array.from({ length: 8 }, read))
    expect(new Set(found)).toEqual(new Set([DEFAULT_POLICY]))
    expect(await readdir(home.folder)).toEqual(['policy.cedar'])
  })

  test('writePolicy() keeps the old policy when it could not use the new one', async () => {
    await home.writePolicy(text)
    await expect(home.writePolicy('permit (principal)')).rejects.toMatchObject({ code: 'syntax' })
    expect(await read()).toBe(text)
  })
})

describe('remembered values', () => {
  const value = Uint8Array.of(1, 2, 3)

  test('store() gives back what was set, after reopening too', async () => {
    const store = home.store()
    expect(await store.get('epoch/a')).toBeUndefined()
    await store.set('epoch/a', value)
    await store.set('epoch/b', new Uint8Array())
    const again = (await openHome(home.folder)).store()
    expect(await again.get('epoch/a')).toEqual(value)
    expect(await again.get('epoch/b')).toEqual(new Uint8Array())
  })

  test('of several set() at once the last one stays', async () => {
    const store = home.store()
    const writes = Array.from({ length: 16 }, (_, index) =>
      store.set('epoch', Uint8Array.of(index)),
    )
    await Promise.all(writes)
    expect(await store.get('epoch')).toEqual(Uint8Array.of(15))
  })

  test('a lost or foreign value is no absent one', async () => {
    const store = home.store()
    await store.set('epoch', value)
    const [file = ''] = await readdir(join(home.folder, 'state'))
    const path = join(home.folder, 'state', file)
    await change(path, (text) => text.replace(toBase64url(value), '*'))
    await expect(store.get('epoch')).rejects.toMatchObject({ code: 'malformed' })
    await store.set('epoch', value)
    await change(path, (text) => text.replace('"epoch"', '"other"'))
    await expect(store.get('epoch')).rejects.toMatchObject({ code: 'malformed' })
    await writeFile(path, '')
    await expect(store.get('epoch')).rejects.toMatchObject({ code: 'malformed' })
  })

  test('set() refuses a value or key over the limit', async () => {
    const store = home.store()
    const large = store.set('large', new Uint8Array(704 * 1024 + 1))
    await expect(large).rejects.toMatchObject({ code: 'too-large' })
    await expect(store.set('k'.repeat(1_025), value)).rejects.toMatchObject({ code: 'too-large' })
    await store.set('k', value)
    expect(await store.get('k')).toEqual(value)
  })
})
