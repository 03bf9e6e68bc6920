import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProgramBench, type Outcome, type ProgramBench, records } from './program-bench.ts'

let bench: ProgramBench

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({ 'old.acme.example': ['publish crew.acme.example'] })
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

function errorOf(stderr: string): { readonly code: string; readonly message: string } {
  const [record] = records(stderr)
  return record?.['error'] as ReturnType<typeof errorOf>
}

test('key new, key show and key list tell of public keys only, and new overwrites nothing', async () => {
  const [made] = records(await bench.done('key', 'new', 'Tool.Acme.Example', '--json'))
  expect(made).toEqual({
    name: 'tool.acme.example',
    publicKey: expect.stringMatching(/^[\w-]{43}$/) as string,
    path: join(bench.folder, '.ixj', 'keys', 'tool.acme.example.key'),
    mode: '0600',
  })
  const shown = await bench.done('key', 'show', 'tool.acme.example')
  expect(shown).toContain(`public  ${String(made?.['publicKey'])}\n`)
  const { seed } = JSON.parse(await readFile(String(made?.['path']), 'utf8')) as { seed: string }
  expect(shown).not.toContain(seed)
  expect(await bench.done('key', 'list')).toBe(
    'acme.example\nold.acme.example\ntool.acme.example\n',
  )
  const again = await bench.run(['key', 'new', 'tool.acme.example', '--json'])
  expect(again).toMatchObject({ code: 1, stdout: '' })
  expect(errorOf(again.stderr).code).toBe('exists')
})

test('--home and --json may stand before or after the verb', async () => {
  const other = join(bench.folder, 'other')
  await bench.done('--home', other, 'key', 'new', 'b.example')
  await bench.done('key', '--home', other, 'new', 'a.example')
  const list = await bench.done('key', 'list', '--json', '--home', other)
  expect(records(list)).toEqual([{ name: 'a.example' }, { name: 'b.example' }])
  expect(await bench.done('--json', 'key', 'list', '--home', other)).toBe(list)
})

test('a key that others may read is refused, with the command that cures it', async () => {
  const path = join(bench.folder, '.ixj', 'keys', 'open.acme.example.key')
  await bench.done('key', 'new', 'open.acme.example')
  await chmod(path, 0o644)
  const { code, stderr } = await bench.run(['key', 'show', 'open.acme.example'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^ixj: key-file: .* run: chmod 600 .*\n$/)
})

test('bind writes into the home that has the key, and explain shows why it is believed', async () => {
  await bench.done('key', 'new', 'w1.acme.example')
  const grant = ['--grant', 'publish,subscribe crew.acme.example']
  const bound = await bench.done('bind', 'w1.acme.example', '--by', 'acme.example', ...grant)
  expect(bound).toMatch(/^w1\.acme\.example is bound by acme\.example until \d{4}-/)
  const text = await bench.done('explain', 'w1.acme.example')
  expect(text).toContain('ACCEPTED')
  expect(text).toContain('w1.acme.example ← acme.example')
  expect(text).toContain('publish, subscribe on crew.acme.example: acme.example → w1')
  expect(text).toContain(
    'note: only revocations in this home are checked: a running node hears of others',
  )
  const [record] = records(await bench.done('explain', 'w1.acme.example', '--json'))
  expect(record).toMatchObject({ outcome: 'accepted', code: null, sender: 'w1.acme.example' })
})

test('binding again replaces what was stated before, so that no grant is there twice', async () => {
  await bench.done(
    'bind',
    'old.acme.example',
    '--by',
    'acme.example',
    '--grant',
    'subscribe crew.acme.example',
  )
  const text = await bench.done('explain', 'old.acme.example')
  expect(text).toContain('subscribe on crew.acme.example')
  expect(text).not.toContain('publish')
})

test('two people with two homes bind a key of one by a key of the other', async () => {
  const field = ['--home', join(bench.folder, 'field')]
  const statements = join(bench.folder, 'scout.statements')
  const [scout] = records(await bench.done(...field, 'key', 'new', 'scout.acme.example', '--json'))
  const [acme] = records(await bench.done('key', 'show', 'acme.example', '--json'))
  const key = String(scout?.['publicKey'])
  await bench.done(
    'bind',
    'scout.acme.example',
    '--by',
    'acme.example',
    '--key',
    key,
    '--out',
    statements,
  )
  const early = await bench.done(...field, 'key', 'accept', statements, '--json')
  expect(records(early)[0]).toMatchObject({
    added: 1,
    replaced: 0,
    believed: false,
    code: 'no-anchor',
  })
  await bench.done(
    ...field,
    'trust',
    'anchor',
    'add',
    'acme.example',
    String(acme?.['publicKey']),
    '--own',
  )
  expect(await bench.done(...field, 'explain', 'scout.acme.example')).toContain('ACCEPTED')
  // What was stated of another's key is not taken in, and a file is not overwritten.
  const foreign = await bench.run(['key', 'accept', statements, '--json'])
  expect([foreign.code, errorOf(foreign.stderr).code]).toEqual([1, 'key-file'])
  const twice = await bench.run([
    'bind',
    'scout.acme.example',
    '--by',
    'acme.example',
    '--key',
    key,
    '--out',
    statements,
  ])
  expect(twice).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: exists:') as string,
  })
})

test('a name that may bind passes on a part of its grant, and one that may not is refused', async () => {
  const bind = (name: string, by: string, ...words: readonly string[]): Promise<Outcome> =>
    bench.run(['bind', name, '--by', by, ...words, '--json'])
  const planner = 'planner.acme.example'
  await bench.done('key', 'new', planner)
  await bench.done('key', 'new', 'w1.planner.acme.example')
  await bind(planner, 'acme.example')
  const early = await bind('w1.planner.acme.example', planner)
  expect([early.code, errorOf(early.stderr).code]).toEqual([1, 'uses'])
  const grant = 'publish,subscribe crew.acme.example; delegate *.planner.acme.example'
  await bind(planner, 'acme.example', '--uses', 'both', '--grant', grant)
  const wide = ['--grant', 'answer crew.acme.example']
  const wider = await bind('w1.planner.acme.example', planner, ...wide)
  expect([wider.code, errorOf(wider.stderr).code]).toEqual([1, 'not-granted'])
  const part = ['--seconds', '60', '--grant', 'publish crew.acme.example']
  expect((await bind('w1.planner.acme.example', planner, ...part)).code).toBe(0)
  const text = await bench.done('explain', 'w1.planner.acme.example')
  expect(text).toContain('w1.planner.acme.example ← planner.acme.example ← acme.example')
  expect(text).toContain('publish on crew.acme.example: acme.example → planner')
})

test('bind prints the statements where neither key nor --out is here', async () => {
  const field = ['--home', join(bench.folder, 'pipe')]
  const [made] = records(await bench.done(...field, 'key', 'new', 'pipe.acme.example', '--json'))
  const words = [
    'bind',
    'pipe.acme.example',
    '--by',
    'acme.example',
    '--key',
    String(made?.['publicKey']),
  ]
  const printed = await bench.done(...words)
  const { code } = await bench.run([...field, 'key', 'accept', '-'], { input: printed })
  expect(code).toBe(0)
})

test('explain tells a file of statements, and refuses one that was changed', async () => {
  const path = join(bench.folder, '.ixj', 'statements', 'w1.acme.example.json')
  const [whole] = records(await bench.done('explain', path, '--json'))
  expect(whole).toMatchObject({ outcome: 'accepted' })
  expect(whole?.['statements']).toMatchObject([
    { kind: 'binding', name: 'w1.acme.example', signatureHolds: true },
    { kind: 'grant', subject: 'w1.acme.example', signatureHolds: true },
  ])
  const file = JSON.parse(await readFile(path, 'utf8')) as { statements: string[] }
  const [binding = ''] = file.statements
  const forged = join(bench.folder, 'forged.json')
  // The last bytes are the signature's, and nil.
  const bytes = Buffer.from(binding, 'base64url')
  bytes[bytes.length - 10]! ^= 1
  file.statements[0] = bytes.toString('base64url')
  await writeFile(forged, JSON.stringify(file))
  const { code, stdout } = await bench.run(['explain', forged])
  expect(code).toBe(1)
  expect(stdout).toContain('DOES NOT HOLD')
  expect(stdout).toContain('bad-signature')
  const accepting = await bench.run(['key', 'accept', forged])
  expect(accepting).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: bad-signature:') as string,
  })
})

test('explain ends with 1 for what is not believed, and says what would change it', async () => {
  const stranger = await bench.run(['explain', 'stranger.example'])
  expect(stranger.code).toBe(1)
  expect(stranger.stdout).toContain('no-anchor')
  expect(stranger.stdout).toContain('ixj trust anchor add')
  const garbage = join(bench.folder, 'garbage')
  await writeFile(garbage, 'hello')
  const file = await bench.run(['explain', garbage])
  expect(file).toMatchObject({ code: 1, stderr: expect.stringContaining('ixj: file:') as string })
})

test.each([
  '-5gXw_f3L01JGceBGAgxBKhWKvKSHs6WY62yNCK3GV0',
  '-VjEyyGDoDSS0RspfebbGWKku-zma0djJ5FWQLDYmfc',
  '-hPXjybRitxUtih3VEvesRAU4g2OliKQoK9wRyD-WH0',
  '--veofz2JyMHRF4_CDR9jTiDLWKA5mYFNRNbuhQx2oM',
])('the key %s is no option, as an argument and behind one', async (key) => {
  const home = ['--home', join(bench.folder, `dash${key}`)]
  const added = await bench.done(...home, 'trust', 'anchor', 'add', 'a.example', key, '--json')
  expect(records(added)).toMatchObject([{ keys: [key] }])
  await bench.done(...home, 'key', 'new', 'b.example')
  const words = ['bind', 'w1.b.example', '--key', key, '--by', 'b.example', '--json']
  const bound = await bench.done(...home, ...words)
  expect(bound).toContain(key)
})

test('trust anchor add, list and remove change whom the home trusts', async () => {
  const [acme] = records(await bench.done('key', 'show', 'acme.example', '--json'))
  const key = String(acme?.['publicKey'])
  const other = ['--home', join(bench.folder, 'trust')]
  const limits = [
    '--names',
    'counsel.globex.example,*.nodes.globex.example',
    '--purposes',
    'connect,send',
  ]
  const added = await bench.done(
    ...other,
    'trust',
    'anchor',
    'add',
    'globex.example',
    key,
    ...limits,
    '--json',
  )
  expect(records(added)).toMatchObject([
    {
      name: 'globex.example',
      keys: [key],
      names: ['*.nodes.globex.example', 'counsel.globex.example'],
      purposes: ['connect', 'send'],
    },
  ])
  expect(await bench.done(...other, 'trust', 'anchor', 'list', '--json')).toBe(added)
  expect(await bench.done(...other, 'trust', 'anchor', 'list')).toContain('counsel.globex.example')
  const [made] = records(await bench.done(...other, 'key', 'new', 'globex.example', '--json'))
  const changed = await bench.run([
    ...other,
    'trust',
    'anchor',
    'add',
    'globex.example',
    String(made?.['publicKey']),
  ])
  expect(changed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: exists:') as string,
  })
  await bench.done(...other, 'trust', 'anchor', 'remove', 'globex.example')
  const again = await bench.run([...other, 'trust', 'anchor', 'remove', 'globex.example', '--json'])
  expect([again.code, errorOf(again.stderr).code]).toEqual([1, 'absent'])
})

test('explain needs no key but the one it explains', async () => {
  const path = join(bench.folder, '.ixj', 'keys', 'acme.example.key')
  await chmod(path, 0o644)
  const { code, stdout } = await bench.run(['explain', 'tool.acme.example'])
  expect([code, stdout]).toEqual([1, expect.stringContaining('no-chain') as string])
  await chmod(path, 0o600)
})
