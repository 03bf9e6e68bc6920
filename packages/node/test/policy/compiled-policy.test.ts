import { parseName } from '@ixj/names'
import { describe, expect, test } from 'vitest'
import { POLICY_FILE_BYTES_MAX, RULES_MAX } from '../../src/home.ts'
import { compilePolicy, DEFAULT_POLICY, PolicyError } from '../../src/policy.ts'
import { makeRequest } from './policy-request.ts'

const globex = parseName('globex.example')
const outsider = { organisation: globex, sender: parseName('scout.globex.example') }

/** What a text says about one request. */
async function decide(text: string, fields: Parameters<typeof makeRequest>[0] = {}) {
  using policy = await compilePolicy(text, 'policy.cedar')
  const { permit, rule } = policy.decide(makeRequest(fields))
  return [permit, rule]
}

async function failure(text: string): Promise<PolicyError> {
  const cause = await compilePolicy(text, 'policy.cedar').catch((thrown: unknown) => thrown)
  if (!(cause instanceof PolicyError)) throw new Error('It was not refused', { cause })
  return cause
}

describe('the default policy', () => {
  test.each([
    ['an owner inside', { basis: 'owner' }, true, 'permit "owners inside the organisation"'],
    ['a grant inside', { basis: 'grant' }, true, 'permit "grants inside the organisation"'],
    ['a stranger inside', { basis: 'none' }, false, 'no rule permits it'],
    ['an owner outside', { ...outsider, basis: 'owner' }, false, 'no rule permits it'],
    ['a grant outside', { ...outsider, basis: 'grant' }, false, 'no rule permits it'],
    [
      'an answer from outside',
      { ...outsider, basis: 'answer', action: 'answer' },
      true,
      'permit "answers to own requests"',
    ],
  ] as const)('says of %s what the built-in table says', async (_, fields, permit, rule) => {
    const [said, by] = await decide(DEFAULT_POLICY, fields)
    expect(said).toBe(permit)
    expect(by).toContain(rule)
  })

  test('is valid without a warning', async () => {
    using policy = await compilePolicy(DEFAULT_POLICY, 'policy.cedar')
    expect(policy.warnings).toEqual([])
  })
})

describe('decide()', () => {
  test('names the rule by its @id, its file and the line of its effect', async () => {
    const text = `// crew\n@id("crew may publish")\n\npermit (principal, action, resource);`
    expect(await decide(text)).toEqual([true, 'permit "crew may publish" (policy.cedar:4)'])
  })

  test('lets a rule that forbids win, and names that one', async () => {
    const text = 'permit (principal, action, resource);\nforbid (principal, action, resource);'
    expect(await decide(text)).toEqual([false, 'forbid (policy.cedar:2)'])
  })

  test.each([
    ['the sender itself', 'principal == Agent::"w1.planner.acme.example"', true],
    ['the zone above', 'principal in Zone::"planner.acme.example"', true],
    ['the zone above that', 'principal in Zone::"acme.example"', true],
    ['the zone of its own name', 'principal in Zone::"w1.planner.acme.example"', true],
    ['a sibling', 'principal in Zone::"w2.planner.acme.example"', false],
    ['a name that ends alike', 'principal in Zone::"r.acme.example"', false],
  ])('finds a sender in %s: %s is %s', async (_, scope, permit) => {
    expect((await decide(`permit (${scope}, action, resource);`))[0]).toBe(permit)
  })

  test.each([
    ['resource in Zone::"acme.example"', true],
    ['context.receiver in Zone::"acme.example"', true],
    ['context.organisation == Zone::"acme.example"', true],
    ['context.organisation in Zone::"acme.example"', true],
    ['context.onBehalfOf in Zone::"acme.example"', true],
    ['context.delegators.contains(Agent::"planner.acme.example")', true],
    ['context.path.contains(Zone::"globex.example")', false],
    ['context.bytes <= 199', false],
    ['context.priority == 1', true],
    ['context.class == Class::"event"', true],
    ['context.approvals.isEmpty()', true],
    ['context.freshness == Freshness::"fresh"', true],
    ['context.minute == 570', true],
    ['context.weekday == 4', true],
    ['context.time == 1795685400000', true],
  ])('knows %s', async (condition, permit) => {
    const text = `permit (principal, action, resource) when { ${condition} };`
    expect((await decide(text))[0]).toBe(permit)
  })

  test('refuses where a rule that forbids cannot be evaluated, as on a sum that is too large', async () => {
    const text = `permit (principal, action, resource);
      forbid (principal, action, resource) when { context.bytes * 9000000000000000000 == 1 };`
    expect(await decide(text)).toEqual([false, 'forbid (policy.cedar:2)'])
  })

  test('gives the digest of the text, so that a log can tell which text decided', async () => {
    using one = await compilePolicy('permit (principal, action, resource);', 'policy.cedar')
    using other = await compilePolicy('permit (principal, action, resource); ', 'policy.cedar')
    expect(one.decide(makeRequest()).policy).toMatch(/^[0-9a-f]{64}$/)
    expect(one.decide(makeRequest()).policy).not.toBe(other.decide(makeRequest()).policy)
  })

  test('is of its own text, with several loaded, and with one disposed of before', async () => {
    const gone = await compilePolicy('permit (principal, action, resource);', 'policy.cedar')
    using before = await compilePolicy('permit (principal, action, resource);', 'policy.cedar')
    gone[Symbol.dispose]()
    gone[Symbol.dispose]()
    using after = await compilePolicy('forbid (principal, action, resource);', 'policy.cedar')
    expect([before, after].map((each) => each.decide(makeRequest()).permit)).toEqual([true, false])
    expect(() => gone.decide(makeRequest())).toThrow('disposed of')
  })
})

describe('compilePolicy() refuses', () => {
  const permit = 'permit (principal, action, resource)'

  test.each([
    ['what does not parse', 'syntax', `${permit}\nwhen { 1 == };`, 2, 13],
    ['a part that is cut off', 'syntax', `${permit};\npermit (principal`, 2, 18],
    [
      'an attribute that no request has',
      'invalid',
      `${permit}\nwhen { context.colour == 1 };`,
      2,
      8,
    ],
    [
      'an action that there is none of',
      'invalid',
      'permit (principal, action == Action::"fly", resource);',
      1,
      30,
    ],
    ['a misspelt word', 'invalid', `${permit} when { context.basis == Basis::"grnat" };`, 1, 62],
    [
      'a text where a word is needed',
      'invalid',
      `${permit} when { context.basis == "grant" };`,
      1,
      45,
    ],
    [
      'a name in upper case',
      'name',
      '// é\nforbid (principal in Zone::"Evil.example", action, resource);',
      2,
      28,
    ],
    [
      'a name of one label',
      'name',
      'permit (principal in Zone::"example", action, resource);',
      1,
      28,
    ],
    [
      'an escape in a name',
      'name',
      String.raw`permit (principal in Zone::"\u{61}.example", action, resource);`,
      1,
      28,
    ],
  ])('%s, as %s, with its place', async (_, code, text, line, column) => {
    const cause = await failure(text)
    expect(cause).toMatchObject({ code, problems: [{ line, column }] })
    expect(cause.message).toContain(`policy.cedar:${line}:${column}: `)
  })

  test('every fault at once, in the order of the text', async () => {
    const { problems, message } = await failure(
      `${permit} when { context.a == 1 };\n${permit} when { context.b == 1 };`,
    )
    expect(problems.map(({ line }) => line)).toEqual([1, 2])
    expect(message).toContain('(and 1 more)')
  })

  test.each([
    ['a template', 'unsupported', 'permit (principal == ?principal, action, resource);'],
    ['two rules of one line', 'unsupported', `${permit}; ${permit};`],
    ['no rule', 'empty', '// nothing yet\n'],
    ['an @id that is too long', 'too-large', `@id("${'x'.repeat(121)}") ${permit};`],
    ['too many rules', 'too-large', `${permit};\n`.repeat(RULES_MAX + 1)],
    ['too many bytes', 'too-large', `// ${'x'.repeat(POLICY_FILE_BYTES_MAX)}`],
  ])('%s', async (_, code, text) => {
    expect(await failure(text)).toMatchObject({ code })
  })

  const bytes = 'context.bytes == 1'
  test.each([
    ['brackets', `${'('.repeat(25)}true${')'.repeat(25)}`],
    ['brackets without end', '('.repeat(60_000)],
    ['conjunctions', Array.from({ length: 1_000 }, () => bytes).join(' && ')],
    ['disjunctions', Array.from({ length: 1_000 }, () => bytes).join(' || ')],
    ['sums', `${Array.from({ length: 1_000 }, () => 'context.bytes').join(' + ')} == 1`],
    ['conditions', `${'if true then '.repeat(1_000)}true${' else false'.repeat(1_000)}`],
    ['attributes', `context${'.a'.repeat(1_000)} == 1`],
    ['sets', `${'['.repeat(1_000)}1${']'.repeat(1_000)} == [1]`],
    ['records', `${'{a:'.repeat(1_000)}1${'}'.repeat(1_000)} == {a:1}`],
    ['negations', `${'!'.repeat(1_000)}true`],
  ])('what is too deep for the engine, %s, before the engine sees it', async (_, condition) => {
    const cause = await failure(`${permit} when { ${condition} };`)
    expect(cause).toMatchObject({ code: 'too-large', problems: [{ line: 1 }] })
    // A stack that ended would have silenced the engine for good.
    expect((await decide(`${permit};`))[0]).toBe(true)
  })
})

test.each([
  [
    'brackets',
    `${'('.repeat(22)}if ${'true && '.repeat(200)}true then true else true${')'.repeat(22)}`,
  ],
  ['conditions', `${'if (((true))) then '.repeat(60)}true${' else false'.repeat(60)}`],
  [
    'a set of names',
    `[${Array.from({ length: 2_000 }, (_, n) => `Agent::"a${n}.example"`).join(', ')}].contains(principal) || true`,
  ],
])('compilePolicy() takes a rule as deep as may be: %s', async (_, condition) => {
  const text = `permit (principal, action, resource) when { ${condition} };`
  expect((await decide(text))[0]).toBe(true)
})

test('compilePolicy() finds rules among comments and texts that hold what ends a rule', async () => {
  const text = `// permit; "
    @id("a;b // \\"c") // forbid
    permit (principal, action, resource); // ;
    forbid (principal, action, resource)
    unless { context.bytes > 1 }; //`
  using policy = await compilePolicy(text, 'policy.cedar')
  expect(policy.rules.map(({ place, effect, id }) => [place, effect, id])).toEqual([
    ['policy.cedar:3', 'permit', 'a;b // "c'],
    ['policy.cedar:4', 'forbid', null],
  ])
})

test('compilePolicy() warns of a rule that can never apply', async () => {
  const text = 'permit (principal, action, resource) when { false };'
  using policy = await compilePolicy(text, 'policy.cedar')
  expect(policy.warnings).toMatchObject([
    { line: 1, message: expect.stringContaining('false') as string },
  ])
})

test('a carriage return ends a comment, for the counts before the engine as for the engine', async () => {
  using policy = await compilePolicy('// rules\rpermit (principal, action, resource);', 'p.cedar')
  expect(policy.rules.map(({ effect }) => effect)).toEqual(['permit'])
  const deep = `// deep\rpermit (principal, action, resource) when { ${'('.repeat(5_000)} };`
  await expect(compilePolicy(deep, 'p.cedar')).rejects.toMatchObject({ code: 'too-large' })
})
