import { cp, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError, decodeRecord, FrameReader, verifyLog } from '@ixj/audit'
import { type Name, parseName } from '@ixj/names'
import { AnchorSet } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auditFolder, findLogKeys, type Home, readLogStatements } from '../../src/home.ts'
import { openNode } from '../../src/node.ts'
import { nodeSha256 as hash, openNodeVerifier } from '../../src/node-keys.ts'
import { systemClock } from '../../src/system-clock.ts'
import { born, openFolder, openOffice } from '../home-bench.ts'

const node1 = parseName('node1.acme.example')
const planner = parseName('planner.acme.example')
const verifier = openNodeVerifier()

let open: AsyncDisposableStack
let folder: string
let home: Home

beforeEach(async () => {
  open = new AsyncDisposableStack()
  folder = open.use(await openFolder()).path
  home = await openOffice(join(folder, 'office'))
  await born({ office: home, home, name: node1 }, { grants: [] })
  await born({ office: home, home, name: planner }, { grants: [] })
})

afterEach(async () => {
  await open.disposeAsync()
})

async function trustOf(node: Name, anchors: AnchorSet, at = systemClock.now()) {
  const statements = (await readLogStatements(auditFolder(home, node)))?.statements ?? []
  return await findLogKeys(node, statements, { anchors, at, verifier })
}

async function recordsOf(node: Name) {
  const bytes = await readFile(join(auditFolder(home, node), 'records'))
  return [...new FrameReader().push(bytes)].map(({ record }) => decodeRecord(record))
}

/** Beside them stand the statuses that a node issues by itself. */
async function grantsOf(node: Name) {
  const records = await recordsOf(node)
  return records.filter((record) => record.kind === 'statement' && record.statement === 'grant')
}

describe('the log of a node', () => {
  it('begins with what says which key signs it, and holds what the node issued', async () => {
    {
      await using node = await openNode({ name: node1, home })
      await node.openAgent(planner)
    }
    expect(await grantsOf(node1)).toMatchObject([
      { kind: 'statement', statement: 'grant', issuer: node1, subject: node1 },
      { kind: 'statement', statement: 'grant', issuer: planner, subject: node1 },
    ])
  })

  it('is verified whole under a key to which a chain from the verifier’s anchor leads', async () => {
    {
      await using node = await openNode({ name: node1, home })
      await node.openAgent(planner)
    }
    const [key] = await trustOf(node1, await home.readAnchors())
    const log = auditFolder(home, node1)
    const report = await verifyLog(
      {
        records: (async function* () {
          yield await readFile(join(log, 'records'))
        })(),
        checkpoints: await readFile(join(log, 'checkpoints')),
      },
      { key: key!, verifier, hash },
    )
    const { length: size } = await recordsOf(node1)
    expect(report).toMatchObject({ size, covered: size, unfinished: 0, faults: [] })
  })

  it('is under one key and one grant, however often the node is opened', async () => {
    for (let times = 0; times < 3; times++) {
      await using node = await openNode({ name: node1, home })
      expect(node.audit.fault).toBe(null)
    }
    expect(await grantsOf(node1)).toHaveLength(1)
    expect(await trustOf(node1, await home.readAnchors())).toHaveLength(1)
  })

  it('has no key for a verifier without an anchor, and none when its name has ended', async () => {
    await using node = await openNode({ name: node1, home })
    expect(node.name).toBe(node1)
    await expect(trustOf(node1, new AnchorSet())).rejects.toMatchObject({ code: 'unknown-key' })
    const later = systemClock.now() + 100 * 365 * 24 * 3_600_000
    await expect(trustOf(node1, await home.readAnchors(), later)).rejects.toThrow(AuditError)
  })

  it('lies in a folder without its key, which may be shown to others', async () => {
    {
      await using node = await openNode({ name: node1, home })
      expect(node.audit.fault).toBe(null)
    }
    const copy = join(folder, 'copy')
    await cp(auditFolder(home, node1), copy, { recursive: true })
    const seed = await readFile(join(home.folder, 'log-keys', `${node1}.key`), 'utf8')
    const secret = (JSON.parse(seed) as { readonly seed: string }).seed
    for (const file of ['records', 'checkpoints', 'statements.json']) {
      expect((await readFile(join(copy, file), 'latin1')).includes(secret)).toBe(false)
    }
    const { mode } = await stat(join(home.folder, 'log-keys', `${node1}.key`))
    expect(mode & 0o777).toBe(0o600)
  })
})
