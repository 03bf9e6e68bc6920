import { join } from 'node:path'
import { issueGrantTo, REMEDIES } from '@ixj/agent'
import { parseName, parsePattern } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node/home'
import { addGrants } from '../src/statements.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const ACME = 'acme.example'
const PLANNER = 'planner.acme.example'
const WORKER = 'w1.planner.acme.example'
const CREW = 'crew.acme.example'

let bench: ProgramBench
let ixj: ReturnType<typeof commandsOf>

/** An organisation that trusts itself, its planner, and a worker that the planner bound. */
beforeEach(async () => {
  bench = await openProgramBench()
  ixj = commandsOf(join(bench.folder, '.ixj'))
  await newOrganisation(ixj)
  await ixj.done('key', 'new', PLANNER)
  await ixj.done('key', 'new', WORKER)
  await ixj.done('bind', PLANNER, '--by', ACME, '--uses', 'both')
  await ixj.done('bind', WORKER, '--by', PLANNER)
})

afterEach(async () => {
  await bench[Symbol.asyncDispose]()
})

async function newOrganisation(commands: ReturnType<typeof commandsOf>): Promise<void> {
  await commands.done('key', 'new', ACME)
  await commands.done(
    'trust',
    'anchor',
    'add',
    ACME,
    await keyOf(commands, ACME),
    '--purposes',
    'connect,send,grant',
  )
}

async function keyOf(commands: ReturnType<typeof commandsOf>, name: string): Promise<string> {
  const [key] = records(await commands.done('key', 'show', name, '--json'))
  return String(key?.['publicKey'])
}

/** The record of a grant that was issued. */
async function grant(...words: readonly string[]): Promise<Record<string, unknown>> {
  const [issued] = records(await ixj.done('grant', ...words, '--json'))
  return issued ?? {}
}

async function shown(...words: readonly string[]) {
  return records(await ixj.done(...words, '--json'))
}

/** An hour of the UTC day before or after this one, as it is when the tests begin. */
function hour(offset: number): string {
  return String((startHour + 24 + offset) % 24).padStart(2, '0')
}
const startHour = new Date().getUTCHours()

const toPlanner = [PLANNER, 'publish,request', CREW, '--by', ACME] as const

describe('grant', () => {
  test('loses none of those that are kept at the same moment', async () => {
    const topics = Array.from({ length: 8 }, (_, place) => `crew${place}.acme.example`)
    const elsewhere = 'far.other.example'
    await Promise.all(topics.map((topic) => grant(elsewhere, 'publish', topic, '--by', ACME)))
    const home = await openHome(join(bench.folder, '.ixj'))
    const kept = await home.readStatements(parseName(ACME))
    expect(kept).toHaveLength(topics.length)
  })

  test('issues a root, and a part of it with conditions, each held in the same home', async () => {
    const root = await grant(...toPlanner, '--delegate', '*.planner.acme.example')
    const limits = [
      '--hours',
      `${hour(-2)}:00-${hour(2)}:00`,
      '--per-second',
      '5',
      '--bytes',
      '100',
      '--max-priority',
      '1',
    ]
    const part = await grant(WORKER, 'publish', CREW, '--by', PLANNER, ...limits, '--seconds', '60')
    expect(root).toMatchObject({ parent: null, onBehalfOf: ACME, here: [PLANNER] })
    expect(part).toMatchObject({ parent: root['id'], onBehalfOf: ACME, here: [WORKER] })
    const left = Number(part['until']) - Date.now()
    expect(left > 0 && left <= 60_000).toBe(true)
    expect(await shown('grants', WORKER)).toMatchObject([
      {
        id: part['id'],
        holds: true,
        until: part['until'],
        conditions: {
          hours: [Number(hour(-2)) * 60, Number(hour(2)) * 60],
          messagesPerSecond: 5,
          bytesPerMessage: 100,
          maxPriority: 1,
        },
        chain: [
          { id: root['id'], issuer: ACME },
          { id: part['id'], issuer: PLANNER },
        ],
        anchors: [ACME],
      },
    ])
  })

  test('adds to what a name may do, and replaces only what said the same', async () => {
    await grant(...toPlanner)
    await grant(PLANNER, 'subscribe', CREW, '--by', ACME)
    const again = await grant(...toPlanner, '--days', '3')
    const held = await shown('grants', PLANNER)
    expect(held.map((each) => each['actions'])).toEqual([['subscribe'], ['publish', 'request']])
    expect(held[1]?.['id']).toBe(again['id'])
    expect((await ixj.run('explain', PLANNER)).code).toBe(0)
  })

  test('acts on behalf of whom it says', async () => {
    const words = [...toPlanner, '--on-behalf-of', 'sales.acme.example'] as const
    expect(await grant(...words)).toMatchObject({ onBehalfOf: 'sales.acme.example' })
    const outside = await ixj.refused('grant', ...toPlanner, '--on-behalf-of', 'globex.example')
    expect(outside).toMatchObject({ exit: 1, code: 'outside-slice' })
  })

  test.each([
    ['what its issuer does not hold', ['answer', CREW], 'not-granted'],
    [
      'more topics than its parent',
      ['publish', `${CREW},results.acme.example`],
      'wider-than-parent',
    ],
    [
      'whom its parent does not let have it',
      ['publish', CREW, '--delegate', 'x.acme.example'],
      'wider-than-parent',
    ],
  ])('refuses %s', async (_, words, code) => {
    await grant(...toPlanner, '--delegate', '*.planner.acme.example')
    const refused = ixj.refused('grant', WORKER, ...words, '--by', PLANNER)
    expect(await refused).toMatchObject({ exit: 1, code })
  })

  test('takes the parent that is named where several fit', async () => {
    const delegate = ['--delegate', '*.planner.acme.example']
    await grant(...toPlanner, ...delegate)
    const forSales = await grant(...toPlanner, ...delegate, '--on-behalf-of', 'sales.acme.example')
    const part = [WORKER, 'publish', CREW, '--by', PLANNER]
    expect(await ixj.refused('grant', ...part)).toMatchObject({ code: 'ambiguous-authority' })
    const under = String(forSales['id']).slice(0, 12)
    expect(await grant(...part, '--under', under)).toMatchObject({ parent: forSales['id'] })
    expect(await ixj.refused('grant', ...part, '--under', 'ffff')).toMatchObject({ code: 'absent' })
  })

  test('goes to another home as a file, where the holder takes it in beside its binding', async () => {
    const far = commandsOf(join(bench.folder, 'far'))
    await far.done('key', 'new', 'far.acme.example')
    const key = await keyOf(far, 'far.acme.example')
    const path = (name: string) => join(bench.folder, name)
    await ixj.done('bind', 'far.acme.example', '--by', ACME, '--key', key, '--out', path('bound'))
    const words = ['far.acme.example', 'publish', CREW, '--by', ACME, '--key', key] as const
    expect(await grant(...words, '--out', path('granted'))).toMatchObject({ here: [] })
    await far.done(
      'trust',
      'anchor',
      'add',
      ACME,
      await keyOf(ixj, ACME),
      '--purposes',
      'connect,send,grant',
    )
    await far.done('key', 'accept', path('bound'))
    await far.done('key', 'accept', path('granted'))
    const [held] = records(await far.done('grants', 'far.acme.example', '--json'))
    expect(held).toMatchObject({ holds: true, actions: ['publish'] })
    expect((await far.run('explain', 'far.acme.example')).code).toBe(0)
    // Of somebody else: there is no key here that it is for.
    expect(await ixj.refused('key', 'accept', path('granted'))).toMatchObject({ code: 'wrong-key' })
  })

  test.each([
    [['not a name', 'publish', CREW], 'character'],
    [[PLANNER, 'fly', CREW], 'usage'],
    [[PLANNER, 'publish', CREW, '--hours', '8-9'], 'usage'],
    [[PLANNER, 'publish', CREW, '--hours', '08:00-08:00'], 'usage'],
    [[PLANNER, 'publish', CREW, '--approvals', 'ann.acme.example'], 'usage'],
    [[PLANNER, 'publish', CREW, '--approvals', '2:ann.acme.example'], 'usage'],
    [[PLANNER, 'publish', CREW, '--max-priority', '4'], 'usage'],
    [[PLANNER, 'publish', CREW, '--days', '1', '--seconds', '1'], 'usage'],
  ])('%j is a wrong command line: %s', async (words, code) => {
    const refused = ixj.refused('grant', ...words, '--by', ACME)
    expect(await refused).toMatchObject({ exit: 2, code })
  })
})

describe('grants', () => {
  test('shows each grant as a tree to the anchor', async () => {
    await grant(...toPlanner, '--delegate', '*.planner.acme.example', '--days', '2')
    await grant(WORKER, 'publish', CREW, '--by', PLANNER, '--seconds', '3600')
    const lines = (await ixj.done('grants', WORKER)).split('\n')
    expect(lines[0]).toBe(`${WORKER}  owner of its name and of all names below it`)
    expect(lines[1]).toBe('  1 grant in this home')
    expect(lines[2]).toBe(`└─ publish on ${CREW}  on behalf of ${ACME}`)
    expect(lines[4]).toMatch(/^ {3}holds {3}59 min left$/)
    expect(lines.join(' ')).toMatch(/ chain {3}acme\.example +→ planner \(publish, request; may/)
    expect(lines.at(-2)).toMatch(/^ {3}anchor {2}acme\.example, from your trust store \(\d{4}-/)
  })

  test('says why one does not hold here, and what would change it', async () => {
    await grant(...toPlanner)
    await ixj.done('trust', 'anchor', 'remove', ACME)
    const text = await ixj.done('grants', PLANNER)
    expect(text).toContain('refused    no-anchor: ')
    expect(text).toContain(`to change  ${REMEDIES['no-anchor']}`)
    expect(await shown('grants', PLANNER)).toMatchObject([{ holds: false, code: 'no-anchor' }])
  })

  test('shows those of a pattern that the name is in', async () => {
    await grant('*.planner.acme.example', 'subscribe', CREW, '--by', ACME)
    expect(await shown('grants', WORKER)).toMatchObject([
      { subject: '*.planner.acme.example', holds: true },
    ])
    expect(await shown('grants', PLANNER)).toEqual([])
  })
})

describe('whocan', () => {
  test('shows owners, holders through delegation, patterns, and to whom they may pass it on', async () => {
    const root = await grant(...toPlanner, '--delegate', '*.planner.acme.example')
    const part = await grant(WORKER, 'publish', CREW, '--by', PLANNER)
    const pattern = await grant('*.blue.acme.example', 'publish', CREW, '--by', ACME)
    const inside = 'permit "grants inside the organisation" (policy.cedar:24)'
    expect(await shown('whocan', 'publish', CREW)).toMatchObject([
      { can: true, name: ACME, by: 'owner', grant: null, until: null },
      ...[
        { name: '*.blue.acme.example', grant: pattern['id'], via: [ACME], mayDelegate: [] },
        { name: PLANNER, grant: root['id'], via: [ACME], mayDelegate: ['*.planner.acme.example'] },
        { name: WORKER, grant: part['id'], via: [ACME, PLANNER], mayDelegate: [] },
      ].map((each) => ({ ...each, can: true, by: 'grant', rule: inside })),
    ])
    const lines = (await ixj.done('whocan', 'publish', CREW)).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines).toContain('│  may pass it on to  *.planner.acme.example')
    const asked = await shown('whocan', 'request', CREW)
    expect(asked.map(({ name }) => name)).toEqual([ACME, PLANNER])
  })

  test('shows what the policy says, and whom it lets write without a grant', async () => {
    await grant(...toPlanner)
    const home = await openHome(join(bench.folder, '.ixj'))
    await home.writePolicy(`
      permit (principal, action, resource);
      @id("not the planner") forbid (principal == Agent::"${PLANNER}", action, resource);
      permit (principal == Agent::"scout.globex.example", action, resource);`)
    const all = await shown('whocan', 'publish', CREW)
    expect(all.map(({ name, can, code, by }) => [name, can, code, by])).toEqual([
      [ACME, true, null, 'owner'],
      [PLANNER, false, 'policy', 'grant'],
      ['scout.globex.example', true, null, 'policy'],
    ])
    const text = await ixj.done('whocan', 'publish', CREW)
    expect(text).toMatch(/cannot\n└─ planner\.acme\.example\n.*forbid "not the planner"/s)
  })

  test('shows a sub-agent’s own topic with all its owners', async () => {
    const names = (await shown('whocan', 'publish', `log.${WORKER}`)).map(({ name }) => name)
    expect(names).toEqual([ACME, PLANNER, WORKER])
  })

  test('is not held up by as many grants as no proof may hold', async () => {
    const home = await openHome(join(bench.folder, '.ixj'))
    const acme = await home.readIdentity(parseName(ACME))
    const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
    const request = { actions: ['publish'], topics: [CREW] } as const
    const notAfter = Date.now() + 60_000
    const issued = Array.from({ length: 70 }, async (_, index) => {
      const subject = parsePattern(`a${index}.acme.example`)
      return await issueGrantTo(acme, { subject, subjectKey: null, request, notAfter }, context)
    })
    const grants = (await Promise.all(issued)).map((each) => each.grant)
    await addGrants(home, acme.name, grants)
    const all = await shown('whocan', 'publish', CREW)
    expect(all.filter(({ can }) => can)).toHaveLength(71)
  })

  test('says that nobody can where no anchor leads there', async () => {
    expect(await ixj.done('whocan', 'publish', 'crew.globex.example')).toBe(
      'nobody can publish on crew.globex.example, as far as this home knows\n',
    )
  })

  test('does not ask the policy of what is no message', async () => {
    const [owner] = await shown('whocan', 'host', CREW)
    expect(owner).toMatchObject({ name: ACME, can: true, rule: null })
  })
})

test('policy explain takes the grant that a sender holds in this home for its basis', async () => {
  await grant(...toPlanner)
  const words = ['policy', 'explain', PLANNER, 'publish', CREW, '--given', `receiver=${ACME}`]
  const [explained] = records(await ixj.done(...words, '--json'))
  expect(explained).toMatchObject({
    permit: true,
    request: { basis: 'grant', onBehalfOf: ACME, delegators: [ACME] },
  })
  expect((await ixj.run(...words, '--given', 'basis=none')).code).toBe(1)
})
