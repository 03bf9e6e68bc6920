import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

let bench: ProgramBench
let home: string
let ixj: ReturnType<typeof commandsOf>

beforeEach(async () => {
  bench = await openProgramBench()
  home = join(bench.folder, '.ixj')
  ixj = commandsOf(home)
})

afterEach(async () => {
  await bench[Symbol.asyncDispose]()
})

/** A file in the folder of the bench. */
async function file(name: string, text: string): Promise<string> {
  const path = join(bench.folder, name)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

describe('policy check', () => {
  test('writes the default policy on first use, and finds it valid', async () => {
    expect(await ixj.done('policy', 'check')).toBe(
      'policy.cedar  3 rules; decides by action, organisation, ownOrganisation, basis\n',
    )
    expect(await readFile(join(home, 'policy.cedar'), 'utf8')).toContain('@id("answers to')
  })

  test('tells every mistake with its line and column, and ends with 1', async () => {
    const path = await file(
      'bad.cedar',
      'permit (principal, action, resource)\nwhen { context.x && context.y };',
    )
    const { code, stdout } = await ixj.run('policy', 'check', path)
    expect(code).toBe(1)
    expect(stdout.split('\n').map((line) => line.slice(0, 24))).toEqual([
      'bad.cedar:2:8  invalid: ',
      'bad.cedar:2:21  invalid:',
      '',
    ])
    const json = await ixj.run('policy', 'check', path, '--json')
    expect(records(json.stdout)).toMatchObject([
      {
        valid: false,
        code: 'invalid',
        problems: [
          { line: 2, column: 8 },
          { line: 2, column: 21 },
        ],
      },
    ])
  })

  test('tells of a file that is none as of any failure', async () => {
    expect(await ixj.refused('policy', 'check', '/nowhere')).toMatchObject({
      exit: 1,
      code: 'absent',
    })
    const empty = await file('empty.cedar', '')
    expect(await ixj.refused('policy', 'check', empty)).toMatchObject({ exit: 1, code: 'empty' })
  })
})

describe('policy test', () => {
  const acme = { organisation: 'acme.example', basis: 'grant' }
  const mayPublish = {
    name: 'the crew may publish',
    sender: 'w1.acme.example',
    action: 'publish',
    topic: 'crew.acme.example',
    given: acme,
    expect: 'permit',
    by: 'grants inside the organisation',
  }
  const table = async (...cases: readonly object[]) =>
    await file(
      'cases.json',
      JSON.stringify({
        version: 1,
        given: { receiver: 'node1.acme.example', ownOrganisation: 'acme.example' },
        cases,
      }),
    )

  test('ends with 0 when every case comes out as expected', async () => {
    const stranger = {
      ...mayPublish,
      name: 'no stranger',
      given: {},
      expect: 'forbid',
      by: undefined,
    }
    expect(await ixj.done('policy', 'test', await table(mayPublish, stranger))).toBe(
      'ok      the crew may publish\nok      no stranger\n2 of 2 cases came out as expected\n',
    )
  })

  test('shows for each other case what was expected and found, and ends with 1', async () => {
    const forbid = { ...mayPublish, expect: 'forbid', by: undefined }
    const otherRule = { ...mayPublish, by: 'owners inside the organisation' }
    const { code, stdout } = await ixj.run('policy', 'test', await table(forbid, otherRule))
    expect(code).toBe(1)
    expect(stdout).toBe(
      [
        'FAILED  the crew may publish',
        '        expected  forbid',
        '        found     permit "grants inside the organisation" (policy.cedar:24)',
        'FAILED  the crew may publish',
        '        expected  permit by "owners inside the organisation"',
        '        found     permit "grants inside the organisation" (policy.cedar:24)',
        '0 of 2 cases came out as expected',
        '',
      ].join('\n'),
    )
  })

  test.each([
    ['a word that there is none of', { given: { basis: 'wish' } }, 'basis must be one of'],
    ['a name that is none', { sender: 'W1' }, 'sender must be a name'],
    ['a fact that there is none of', { given: { colour: 'red' } }, '"colour" is not one of'],
    ['no expectation', { expect: undefined }, 'expect must be'],
  ])('refuses a case with %s', async (_, change, message) => {
    const refused = ixj.refused('policy', 'test', await table({ ...mayPublish, ...change }))
    expect(await refused).toMatchObject({
      code: 'malformed',
      message: expect.stringContaining(message) as string,
    })
  })

  test('asks for the time where the policy speaks of it', async () => {
    const path = await file(
      'night.cedar',
      'permit (principal, action, resource) when { context.minute >= 1200 };',
    )
    const at = (time?: string) =>
      table({ ...mayPublish, by: undefined, given: { ...acme, ...(time && { time }) } })
    const words = async (time?: string) => ['policy', 'test', await at(time), '--policy', path]
    expect(await ixj.refused(...(await words()))).toMatchObject({ code: 'malformed' })
    expect((await ixj.run(...(await words('2026-11-26T20:00:00Z')))).code).toBe(0)
    expect((await ixj.run(...(await words('2026-11-26T19:59:59.999Z')))).code).toBe(1)
  })
})

describe('policy explain', () => {
  const words = ['policy', 'explain', 'w1.acme.example', 'publish', 'crew.acme.example']
  const given = ['--given', 'organisation=acme.example', '--given', 'ownOrganisation=acme.example']

  test('says which rule permits, which do not apply and why, and what would change it', async () => {
    const text = await ixj.done(...words, ...given, '--given', 'basis=grant')
    const lines = text.split('\n')
    expect(lines.slice(0, 3)).toEqual([
      'PERMITTED publish on crew.acme.example  by w1.acme.example',
      'policy    permit "grants inside the organisation" (policy.cedar:24)',
      'asked     organisation acme.example; ownOrganisation acme.example; basis grant',
    ])
    expect(text).toMatch(/\(policy\.cedar:20\)\n│ {2}lacks {4}context\.basis == Basis::"owner"/)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text).toContain('take away permit "grants inside the organisation" (policy.cedar:24)')
  })

  test('says of a refusal what each rule lacks, and a rule that would permit; ends with 1', async () => {
    const { code, stdout } = await ixj.run(...words, ...given, '--json')
    expect(code).toBe(1)
    const [explanation] = records(stdout)
    expect(explanation).toMatchObject({
      permit: false,
      rule: 'no rule permits it (policy.cedar)',
      determining: [],
    })
    const remedies = explanation?.['remedies'] as readonly string[]
    const added = remedies.at(-1)?.replace('or add: ', '') ?? ''
    // What it proposes does what it says.
    const path = await file('more.cedar', added)
    expect((await ixj.run(...words, '--policy', path)).code).toBe(0)
  })

  test('says which rule to narrow where one forbids', async () => {
    const path = await file(
      'forbid.cedar',
      `permit (principal, action, resource);
       @id("not at night") forbid (principal, action, resource)
       when { context.minute < 360 } unless { context.priority > 2 };`,
    )
    const at = (time: string) => [...words, '--policy', path, '--given', `time=${time}`]
    const night = await ixj.run(...at('2026-11-26T03:00:00Z'))
    expect(night.stdout).toContain('narrow forbid "not at night" (forbid.cedar:2)')
    const day = await ixj.done(...at('2026-11-26T12:00:00Z'))
    expect(day).toContain('lacks    context.minute < 360')
  })

  test.each([
    ['--given', 'basis'],
    ['--given', 'basis=wish'],
    ['--given', 'colour=red'],
    ['--given', 'bytes=-1'],
    ['--given', 'time=yesterday'],
  ])('refuses %s %s as a wrong command line', async (...wrong) => {
    expect(await ixj.refused(...words, ...wrong)).toMatchObject({ exit: 2, code: 'usage' })
  })
})

test('node run tells of a policy that changed, and of one that it does not take', async () => {
  await bench.organisation({ 'node1.acme.example': [] })
  const node = bench.start(['node', 'run', '--name', 'node1.acme.example', '--json'])
  await node.line('stdout', '"listening"')
  const replace = async (text: string) =>
    await rename(await file('new.cedar', text), join(home, 'policy.cedar'))
  await replace('forbid (principal, action, resource);')
  await node.line('stdout', '"kind":"loaded","rules":1')
  await replace('forbid (principal')
  expect(JSON.parse(await node.line('stdout', '"kind":"kept"'))).toMatchObject({ code: 'syntax' })
  await replace('permit (principal, action, resource);')
  node.child.kill('SIGHUP')
  await node.line('stdout', '"kind":"loaded"')
  expect((await node.stop('SIGTERM')).code).toBe(0)
})
