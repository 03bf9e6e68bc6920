import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeFrame, encodeRecord, FRAME_BYTES, formatNoteKey, leafHash } from '@ixj/audit'
import { parseName } from '@ixj/names'
import { openNode } from '@ixj/node'
import { nodeSha256, openHome } from '@ixj/node/home'
import { AnchorSet } from '@ixj/trust'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const NODE = 'node1.acme.example'
const desk = parseName('desk.acme.example')
const ann = parseName('ann.acme.example')

let bench: ProgramBench
let home: ReturnType<typeof commandsOf>
let folder: string

/** The log of the node, as its home has it. */
const logFolder = () => join(bench.folder, '.ixj', 'audit', NODE)

/** A node runs: ann writes to the desk three times under her grant, and once without a right. */
async function runNode(): Promise<void> {
  await using node = await openNode({ name: NODE, home: join(bench.folder, '.ixj') })
  await using receiver = await node.openAgent(desk)
  await using sender = await node.openAgent(ann)
  const inbox = receiver.messages()
  for (const body of ['one', 'two', 'three']) await sender.send(desk, body)
  for (let heard = 0; heard < 3; heard++) await inbox.take()
  const decisions = node.decisions()
  await receiver.send(ann, 'not permitted').catch(() => 'nobody takes it')
  while (node.counts.get('policy') === undefined) await decisions.take()
}

/** A home of somebody else, with anchors of its own and a key. */
async function openOther(label: string, trusts: boolean): Promise<ReturnType<typeof commandsOf>> {
  const path = join(bench.folder, label)
  const other = await openHome(path)
  await other.createKey(parseName('watch.globex.example'))
  const anchors = await (await openHome(join(bench.folder, '.ixj'))).readAnchors()
  if (trusts) {
    const [acme] = anchors.list
    await other.writeAnchors(new AnchorSet([{ name: acme!.name, keys: acme!.keys }]))
  }
  return commandsOf(path)
}

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({
    [NODE]: [],
    [desk]: [],
    [ann]: ['publish desk.acme.example'],
  })
  home = commandsOf(join(bench.folder, '.ixj'))
  await runNode()
  folder = join(bench.folder, 'copy')
  await cp(logFolder(), folder, { recursive: true })
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

describe('ixj audit show', () => {
  test('tells what was decided and issued, in order, and leads to why', async () => {
    const { stdout: text, stderr } = await home.run('audit', 'show')
    const [, id = ''] = /^why: ixj explain ([0-9a-f]{12})\n$/.exec(stderr) ?? []
    expect((await home.run('explain', id)).stdout).toMatch(/^└─ policy +no: /m)
    const lines = text.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^├─ 0 {2}\d{4}-\d\d-\d\dT\S+Z {2}issued {2}grant on /)
    expect(lines[1]).toBe(`│  by   ${NODE}`)
    expect(text).toMatch(
      /accepted {2}publish on desk\.acme\.example\n. {2}by {3}ann\.acme\.example\n. {2}for {2}acme\.example\n/,
    )
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('picks by code, sender, number and id, as JSON', async () => {
    const accepted = records(
      await home.done('audit', 'show', '--code', 'accepted', '--sender', ann, '--json'),
    )
    expect(accepted).toHaveLength(3)
    const [first] = accepted
    expect(first).toMatchObject({
      kind: 'bundle',
      sender: ann,
      signed: true,
      organisation: 'acme.example',
      onBehalfOf: 'acme.example',
      delegators: ['acme.example'],
      code: null,
    })
    const id = String(first!['id'])
    const byId = await home.done('audit', 'show', '--id', id.slice(0, 16), '--json')
    expect(records(byId)).toEqual([first])
    const refused = records(await home.done('audit', 'show', '--code', 'policy', '--json'))
    expect(refused).toMatchObject([{ sender: desk, topic: ann, agents: [] }])
    expect(records(await home.done('audit', 'show', '--last', '2', '--json'))).toHaveLength(2)
    const none = await home.run('audit', 'show', '--until', '2020-01-01')
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No record fits\n' })
  })

  test('says what is wrong with a time, and that there is no log', async () => {
    expect(await home.refused('audit', 'show', '--since', 'yesterday')).toMatchObject({
      exit: 2,
      code: 'usage',
    })
    expect(await home.refused('audit', 'show', 'other.acme.example')).toMatchObject({
      exit: 1,
      code: 'absent',
    })
  })
})

describe('ixj audit verify', () => {
  test('finds a log whole, under a key that a chain to an own anchor leads to', async () => {
    const text = await home.done('audit', 'verify')
    expect(text).toMatch(/verdict +whole: every covered record is the one that was signed/)
    const other = await openOther('partner', true)
    const [found] = records(await other.done('audit', 'verify', '--log', folder, '--json'))
    expect(found).toMatchObject({ log: `${NODE}/ixj/audit`, whole: true, faults: [] })
    expect(found!['covered']).toBe(found!['records'])
  })

  test('trusts no key that the log itself brings', async () => {
    const stranger = await openOther('stranger', false)
    expect(await stranger.refused('audit', 'verify', '--log', folder)).toMatchObject({
      exit: 1,
      code: 'unknown-key',
    })
    const [found] = records(await home.done('audit', 'verify', '--json'))
    const told = await stranger.done(
      'audit',
      'verify',
      '--log',
      folder,
      '--key',
      String(found!['key']),
    )
    expect(told).toContain('verdict  whole')
  })

  test('says which record was changed, and ends with 1', async () => {
    const changed = join(bench.folder, 'changed')
    await cp(folder, changed, { recursive: true })
    const bytes = await readFile(join(changed, 'records'))
    bytes[30]! ^= 1
    await writeFile(join(changed, 'records'), bytes)
    const { code, stdout } = await home.run('audit', 'verify', '--log', changed)
    expect(code).toBe(1)
    expect(stdout).toMatch(/FAULT flipped +record 0: /)
    expect(stdout).toContain('NOT WHOLE')
  })

  test('calls a log without a checkpoint unproven, and ends with 1', async () => {
    const bare = join(bench.folder, 'bare')
    await cp(folder, bare, { recursive: true })
    await writeFile(join(bare, 'checkpoints'), '')
    const other = await openOther('unproven', true)
    const { code, stdout } = await other.run('audit', 'verify', '--log', bare)
    expect(code).toBe(1)
    expect(stdout).toContain('NOTHING PROVEN')
  })

  test('remembers what it saw, so that a log that went back is found', async () => {
    const other = await openOther('memory', true)
    const before = join(bench.folder, 'before')
    await cp(logFolder(), before, { recursive: true })
    await runNode()
    await other.done('audit', 'verify', '--log', logFolder())
    const { code, stdout } = await other.run('audit', 'verify', '--log', before)
    expect(code).toBe(1)
    expect(stdout).toContain('FAULT rollback')
  })
})

describe('ixj audit prove', () => {
  test('proves a record to somebody who has no log', async () => {
    const [record] = records(await home.done('audit', 'show', '--code', 'accepted', '--json'))
    const proof = await home.done('audit', 'prove', String(record!['id']).slice(0, 20))
    const file = join(bench.folder, 'record.tlog-proof')
    await writeFile(file, proof)
    const [found] = records(await home.done('audit', 'verify', '--json'))
    const stranger = await openOther('reader', false)
    const key = ['--key', String(found!['key'])]
    const told = await stranger.done('audit', 'verify', NODE, '--proof', file, ...key)
    expect(told).toContain(`proven: record ${String(record!['record'])} of`)
    expect(told).toContain('ann.acme.example')
    await writeFile(file, proof.replace(/^index .*$/m, 'index 0'))
    expect(await stranger.refused('audit', 'verify', NODE, '--proof', file, ...key)).toMatchObject({
      exit: 1,
      code: 'not-proven',
    })
    expect(await home.refused('audit', 'prove', 'ffffffffffffffffff')).toMatchObject({
      code: 'absent',
    })
  })
})

describe('ixj audit verify --proof', () => {
  test('demands the witnesses that were asked for of a proof, too', async () => {
    const witness = await openOther('prover', true)
    const copy = join(bench.folder, 'proven')
    await cp(folder, copy, { recursive: true })
    const unsigned = join(bench.folder, 'unsigned.tlog-proof')
    await writeFile(unsigned, await home.done('audit', 'prove', '0', '--log', copy))
    const words = ['audit', 'witness', '--as', 'watch.globex.example', '--json', '--log'] as const
    const [line] = records(await witness.done(...words, copy))
    const signed = join(bench.folder, 'signed.tlog-proof')
    await writeFile(signed, await home.done('audit', 'prove', '0', '--log', copy))
    const asked = ['audit', 'verify', NODE, '--witness', String(line!['witness'])] as const
    expect(await home.refused(...asked, '--proof', unsigned)).toMatchObject({
      exit: 1,
      code: 'unknown-key',
    })
    expect(await home.done(...asked, '--proof', signed)).toContain('watch.globex.example')
    expect(
      await home.refused('audit', 'verify', NODE, '--proof', signed, '--seen', unsigned),
    ).toMatchObject({ exit: 2, code: 'usage' })
  })
})

describe('ixj audit witness', () => {
  test('cosigns a log that continues, which its readers can ask for; never another history', async () => {
    const witness = await openOther('witness', true)
    const copy = join(bench.folder, 'witnessed')
    await cp(logFolder(), copy, { recursive: true })
    const words = ['audit', 'witness', '--as', 'watch.globex.example', '--json', '--log'] as const
    const [signed] = records(await witness.done(...words, copy))
    expect(signed).toMatchObject({ log: `${NODE}/ixj/audit`, before: 0 })
    const key = String(signed!['witness'])
    expect(await home.done('audit', 'verify', '--log', copy, '--witness', key)).toMatch(
      /witness +watch\.globex\.example {2}\d+ records, 20/,
    )
    const unsigned = await home.run('audit', 'verify', '--witness', key)
    expect(unsigned.code).toBe(1)
    expect(unsigned.stdout).toContain('watch.globex.example  has not signed')
    // An older state of the same log.
    expect(await witness.refused(...words, folder)).toMatchObject({ exit: 1 })
  })

  test('cosigns on request, and the owner keeps the line beside the log', async () => {
    const witness = await openOther('remote', true)
    const request = join(bench.folder, 'request')
    await writeFile(request, await home.done('audit', 'export', '--for-witness'))
    const [found] = records(await home.done('audit', 'verify', '--json'))
    const key = ['--key', String(found!['key']), '--as', 'watch.globex.example']
    const asked = ['audit', 'witness', NODE, '--request', request, ...key] as const
    const line = await witness.done(...asked)
    const watcher = await openHome(join(bench.folder, 'remote'))
    const { publicKey } = await watcher.readSigner(parseName('watch.globex.example'))
    const name = 'watch.globex.example'
    const witnessKey = formatNoteKey({ name, use: 'cosignature', publicKey }, nodeSha256)
    expect(line).toMatch(/^— watch\.globex\.example \S+\n$/)
    // The same request again does not lead from what it has signed by now.
    expect(await witness.refused(...asked)).toMatchObject({ code: 'not-proven' })
    const file = join(bench.folder, 'line')
    await writeFile(file, line)
    // The log has gone on; the line is for what was asked.
    await runNode()
    const kept = ['audit', 'witness', '--attach', file, '--request', request] as const
    expect(await home.done(...kept)).toContain('watch.globex.example')
    const [signed] = records(await home.done('audit', 'verify', '--json', '--witness', witnessKey))
    expect(signed).toMatchObject({ whole: true })
  })

  test('holds what a witness cosigned against the log, which may be another by now', async () => {
    const witness = await openOther('upright', true)
    const newer = join(bench.folder, 'newer')
    await cp(logFolder(), newer, { recursive: true })
    const words = ['audit', 'witness', '--as', 'watch.globex.example', '--json', '--log'] as const
    const [signed] = records(await witness.done(...words, newer))
    const older = join(bench.folder, 'older')
    await cp(folder, older, { recursive: true })
    await cp(join(newer, 'cosigned'), join(older, 'cosigned'))
    const reader = await openOther('trusting', true)
    const key = String(signed!['witness'])
    const { code, stdout } = await reader.run('audit', 'verify', '--log', older, '--witness', key)
    expect(stdout).toContain('FAULT rollback')
    expect(code).toBe(1)
  })

  test('signs nothing that the records at hand do not say', async () => {
    const witness = await openOther('careful', true)
    const words = ['audit', 'witness', '--as', 'watch.globex.example', '--log'] as const
    const flipped = join(bench.folder, 'flipped')
    await cp(folder, flipped, { recursive: true })
    const bytes = await readFile(join(flipped, 'records'))
    bytes[30]! ^= 1
    await writeFile(join(flipped, 'records'), bytes)
    expect(await witness.refused(...words, flipped)).toMatchObject({ exit: 1, code: 'flipped' })
    const swapped = join(bench.folder, 'swapped')
    await cp(folder, swapped, { recursive: true })
    const whole = await readFile(join(folder, 'records'))
    const record = bytes.readUInt32BE(0) + FRAME_BYTES
    const doubled = Buffer.concat([whole.subarray(record), whole.subarray(0, record)])
    await writeFile(join(swapped, 'records'), doubled)
    expect(await witness.refused(...words, swapped)).toMatchObject({ exit: 1, code: 'altered' })
  })

  test('asks who witnesses, and which request a line answers', async () => {
    expect(await home.refused('audit', 'witness', '--attach', 'line')).toMatchObject({ exit: 2 })
    expect(await home.refused('audit', 'witness')).toMatchObject({ exit: 2, code: 'usage' })
  })
})

describe('ixj audit export', () => {
  test('hands out every record with its bytes, one object a line', async () => {
    const all = records(await home.done('audit', 'export', '--log', folder))
    expect(all.map(({ record }) => record)).toEqual(all.map((_, index) => index))
    expect(String(all[0]!['bytes'])).toMatch(/^9b01/)
  })

  test('--accountability leads from each action to everybody who answers for it', async () => {
    const auditor = await openOther('auditor', true)
    const report = ['audit', 'export', '--accountability', '--log', folder] as const
    const [head, ...actions] = records(await auditor.done(...report, '--json'))
    expect(head).toMatchObject({ event: 'log', whole: true, actions: actions.length, missing: 0 })
    expect(actions.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(3)
    expect(actions[0]).toMatchObject({
      event: 'action',
      outcome: 'accepted',
      action: 'publish',
      topic: desk,
      sender: ann,
      proven: true,
      organisation: 'acme.example',
      onBehalfOf: 'acme.example',
      delegators: ['acme.example'],
      rule: expect.any(String) as string,
    })
    const text = await auditor.done(...report)
    expect(text).toMatch(/verdict +whole/)
    expect(text).toMatch(/granted by {3}acme\.example \(grant [0-9a-f]{8}\)/)
    const csv = (await auditor.done(...report, '--csv')).trimEnd().split('\r\n')
    expect(csv[0]).toMatch(/^record,time,outcome,action,topic,sender,proven,organisation/)
    expect(csv).toHaveLength(actions.length + 1)
    const none = records(await auditor.done(...report, '--until', '2020-01-01', '--json'))
    expect(none).toMatchObject([{ actions: 0 }])
  })

  test('shows what a log of others says without harm, whatever that is', async () => {
    const hostile = join(bench.folder, 'hostile')
    await mkdir(hostile)
    const record = encodeRecord({
      kind: 'bundle',
      at: Number.MAX_SAFE_INTEGER,
      via: null,
      action: '\n=1+1',
      class: 'event',
      topic: desk,
      sender: ann,
      signed: false,
      organisation: null,
      onBehalfOf: null,
      delegators: [],
      id: null,
      grants: [],
      proof: null,
      approvers: [],
      messages: 1,
      code: '\u{9b}31m',
      rule: ' @SUM(1);=2',
      agents: [],
      agentsCount: 0,
    })
    const leaf = leafHash(record, nodeSha256)
    await writeFile(join(hostile, 'records'), encodeFrame(record, leaf), { mode: 0o600 })
    const [found] = records(await home.done('audit', 'verify', '--json'))
    const of = [NODE, '--log', hostile] as const
    const reader = await openOther('shown', false)
    const shown = await reader.done('audit', 'show', ...of)
    expect(shown).toContain(`${Number.MAX_SAFE_INTEGER} ms`)
    expect(shown).toContain('\\u{9b}31m')
    const trusted = [...of, '--key', String(found!['key']), '--accountability'] as const
    const { stdout: csv } = await reader.run('audit', 'export', ...trusted, '--csv')
    expect(csv.trimEnd().split('\r\n')).toHaveLength(2)
    // oxlint-disable-next-line no-control-regex
    expect(csv).not.toMatch(/[\u0080-\u009f\u001b]/)
    expect(csv).toContain(`\\u{a}=1+1,`)
    expect(csv).toContain(`,"' @SUM(1);=2",`)
  })

  test('--csv goes with --accountability alone', async () => {
    expect(await home.refused('audit', 'export', '--csv')).toMatchObject({ exit: 2, code: 'usage' })
  })
})

describe('a node that was revoked', () => {
  test('signs no log under its chain any more; who was told its key still can check it', async () => {
    const [found] = records(await home.done('audit', 'verify', '--json'))
    await home.done('revoke', NODE)
    expect(await home.refused('audit', 'verify')).toMatchObject({ exit: 1, code: 'unknown-key' })
    const told = await home.done('audit', 'verify', '--key', String(found!['key']))
    expect(told).toContain('verdict  whole')
  })
})
