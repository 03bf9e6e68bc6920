import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import picocolors from 'picocolors'
import { runLicences } from '../src/demo/coordinator.ts'
import { countPlainly } from '../src/demo/licence-table.ts'
import { findPackages, NO_LICENCE, readPackage, UNREADABLE } from '../src/demo/packages.ts'
import type { RoleProcess } from '../src/demo/processes.ts'
import { formatReport } from '../src/demo/report.ts'
import { ruleOn } from '../src/demo/roles/counsel.ts'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const PROGRAM = [process.execPath, '--conditions=ixj:src', MAIN]

let root: string
beforeAll(async () => (root = await mkdtemp(join(tmpdir(), 'ixj-demo-test-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

async function addPackage(folder: string, description: string): Promise<void> {
  await mkdir(join(root, folder), { recursive: true })
  await writeFile(join(root, folder, 'package.json'), description)
}

async function addMany(prefix: string, count: number, licence: string): Promise<void> {
  for (let index = 0; index < count; index++) {
    const name = `${prefix}-${index}`
    await addPackage(name, JSON.stringify({ name, version: '1.0.0', license: licence }))
    await writeFile(join(root, name, 'LICENSE'), `${licence}\n`)
  }
}

describe('findPackages() and readPackage()', () => {
  it('find scoped and nested packages, follow no link, and read licences as written', async () => {
    await addPackage('plain', '{"name":"plain","version":"1.0.0","license":"MIT"}')
    await addPackage('@scope/inner', '{"name":"@scope/inner","license":{"type":"ISC"}}')
    await addPackage('plain/node_modules/nested', '{"name":"nested"}')
    await addPackage('broken', '{"name":')
    await mkdir(join(root, '.bin'), { recursive: true })
    await symlink(join(root, 'plain'), join(root, 'linked'))
    const folders = await findPackages(root)
    expect(folders).toEqual(['@scope/inner', 'broken', 'plain', 'plain/node_modules/nested'])
    const licences = await Promise.all(folders.map((folder) => readPackage(root, folder)))
    expect(licences.map((each) => each.licence)).toEqual(['ISC', UNREADABLE, 'MIT', NO_LICENCE])
  })
})

describe('ruleOn()', () => {
  it.each([
    ['(MIT OR Apache-2.0)', 'an expression of known licences: ship'],
    ['UNLICENSED', 'proprietary: do not ship'],
    [NO_LICENCE, 'no licence: do not ship without a letter'],
    ['MIT-ish', 'unknown: a person reads its file'],
  ])('rules on %s', (licence, ruling) => {
    expect(ruleOn(licence)).toBe(ruling)
  })
})

describe('the main job', () => {
  it('names the workers of a process killed in mid-job, and the totals still agree', async () => {
    await addMany('many', 500, 'MIT')
    await addMany('odd', 20, 'MIT-ish')
    const processes: RoleProcess[] = []
    const report = await runLicences({
      root,
      attacks: false,
      program: PROGRAM,
      started: (child) => void processes.push(child),
      hear: (event) => {
        if (event.event !== 'round' || event.round !== 3) return
        const victim = processes.find((each) => each.role === 'workers-2')
        if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
      },
    })
    expect(report.missing).toEqual(
      ['w5', 'w6', 'w7', 'w8'].map((each) => `${each}.planner.acme.example`),
    )
    expect(report.packages).toBe(524)
    expect(report.table).toEqual(await countPlainly(root))
    expect(report.rulings).toContainEqual(['MIT-ish', 'unknown: a person reads its file'])
    expect(report.succeeded).toBe(true)
  }, 150_000)

  it('refuses all thirteen attacks, each with its explanation; its zones can be looked into', async () => {
    const resolved: string[] = []
    const report = await runLicences({
      root,
      attacks: true,
      program: PROGRAM,
      stay: async ({ zones }) => {
        for (const { zone, server, anchors } of zones) {
          const name = zone === 'acme.example' ? 'planner.acme.example' : 'counsel.globex.example'
          const home = join(root, `home-of-${zone}`)
          const asking = ['resolve', name, '--server', server, '--anchors', anchors, '--home', home]
          resolved.push((await run(PROGRAM[0]!, [...PROGRAM.slice(1), ...asking])).stdout)
        }
      },
    })
    expect(resolved).toHaveLength(2)
    for (const text of resolved) {
      expect(text).toMatch(/^SECURE {2}_ixjkey\.(planner\.acme|counsel\.globex)\.example TXT/)
      expect(text).toMatch(/✓ {2}(acme|globex)\.example {2}DNSKEY of/)
      expect(text).toMatch(/SECURE {2}_dnsaddr\.\S+ TXT {2}\(from your anchor/)
    }
    const seen = report.attacks.map((attack) => [attack.refusal?.code, attack.refused])
    expect(seen).toEqual([
      ['bad-signature', true],
      ['not-granted', true],
      ['wider-than-parent', true],
      ['wider-than-parent', true],
      ['mixed-behalf', true],
      ['unapproved', true],
      ['expired', true],
      ['revoked', true],
      ['no-anchor', true],
      ['cross-limits', true],
      ['wrong-topic', true],
      ['duplicate', true],
      ['not-granted', true],
    ])
    for (const { refusal } of report.attacks) expect(refusal?.tree).toContain('├─ name')
    const text = formatReport(report, picocolors.createColors(false)).split('\n')
    expect(text.filter((line) => line.length > 80 && !line.includes(root))).toEqual([])
    expect(report.succeeded).toBe(true)
    expect(report.counts.accepted).toBeGreaterThan(report.packages / 8)
    const { direct, tasks } = report.counts
    expect(tasks.sent).toBeGreaterThanOrEqual(report.packages)
    expect(tasks.acknowledged).toBe(tasks.sent)
    expect([direct.accepted > 0, direct.lost]).toEqual([true, 0])
    expect(report.state.done).toBeGreaterThanOrEqual(report.packages)
  }, 150_000)
})
