import { generateKeyPairSync, sign, verify } from 'node:crypto'
import type { PolicyRequest } from '@ixj/agent'
import { parseName } from '@ixj/names'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICY_CACHE_MAX } from '../../src/home.ts'
import { CachedPolicy, compilePolicy, type PolicyInput } from '../../src/policy.ts'
import { makeRequest } from './policy-request.ts'

async function cached(text: string) {
  const compiled = await compilePolicy(text, 'policy.cedar')
  return { policy: new CachedPolicy(compiled), compiled }
}

const rule = (condition: string): string =>
  `permit (principal, action, resource) when { ${condition} };`

test.each<[string, readonly PolicyInput[]]>([
  ['permit (principal, action, resource);', []],
  ['forbid (principal in Zone::"a.example", action, resource);', ['principal']],
  ['forbid (principal is Agent, action, resource);', ['principal']],
  ['permit (principal, action in [Action::"publish"], resource);', ['action']],
  ['permit (principal, action, resource == Topic::"a.example");', ['resource']],
  [rule('context.bytes > 1'), ['bytes']],
  [rule('context has bytes'), ['bytes']],
  [
    rule('context.minute > 480 || context.onBehalfOf == principal'),
    ['principal', 'onBehalfOf', 'minute'],
  ],
  [rule('resource in context.organisation'), ['resource', 'organisation']],
  [
    rule('if context.priority == 1 then context.approvals.isEmpty() else true'),
    ['priority', 'approvals'],
  ],
  [rule('{ time: context.weekday } == { time: 1 }'), ['weekday']],
  [
    `${rule('context.bytes > 1')}\nforbid (principal, action, resource) unless { context.freshness == Freshness::"fresh" };`,
    ['bytes', 'freshness'],
  ],
  [rule('"Var" == "context" || context.class == Class::"task"'), ['class']],
])('compilePolicy() finds in %s the inputs %j', async (text, inputs) => {
  using policy = await compilePolicy(text, 'policy.cedar')
  expect(policy.inputs).toEqual(inputs)
})

/** Values of every input, few enough for two requests to have much in common. */
const names = ['a.example', 'w1.a.example', 'b.example', 'x.b.example'].map((name) =>
  parseName(name),
)
const requests: fc.Arbitrary<PolicyRequest> = fc.record({
  receiver: fc.constantFrom(...names),
  sender: fc.constantFrom(...names),
  organisation: fc.constantFrom(...names.slice(0, 3)),
  ownOrganisation: fc.constantFrom(...names.slice(0, 3)),
  action: fc.constantFrom('publish', 'request', 'answer'),
  topic: fc.constantFrom(...names),
  onBehalfOf: fc.constantFrom(...names),
  basis: fc.constantFrom('owner', 'grant', 'answer', 'none'),
  delegators: fc.subarray(names),
  path: fc.subarray(names, { minLength: 1 }),
  class: fc.constantFrom('state', 'event', 'task'),
  bytes: fc.constantFrom(0, 1, 2),
  priority: fc.constantFrom(0, 1, 3),
  approvals: fc.subarray(names),
  freshness: fc.constantFrom('fresh', 'stale', 'unchecked'),
  now: fc.constantFrom(0, 59_999, 60_000, 86_400_000, 7 * 86_400_000),
  generation: fc.constantFrom(0, 1),
})

const zone = fc.constantFrom(...names).map((name) => `Zone::"${name}"`)
const agent = fc.constantFrom(...names).map((name) => `Agent::"${name}"`)
/** One condition of every kind that a rule may have. */
const atoms = fc.oneof(
  zone.map((each) => `principal in ${each}`),
  zone.map((each) => `resource in ${each}`),
  zone.map((each) => `context.receiver in ${each}`),
  zone.map((each) => `context.onBehalfOf in ${each}`),
  zone.map((each) => `context.organisation in ${each}`),
  zone.map((each) => `context.path.contains(${each})`),
  agent.map((each) => `context.delegators.contains(${each})`),
  agent.map((each) => `context.approvals.containsAll([${each}])`),
  fc.constantFrom(
    'context.organisation == context.ownOrganisation',
    'principal == context.onBehalfOf',
    'action == Action::"request"',
    'context.basis == Basis::"owner"',
    'context.class != Class::"state"',
    'context.bytes > 1',
    'context.bytes * 9223372036854775807 > 0',
    'context.priority < 1',
    'context.freshness != Freshness::"fresh"',
    'context.minute == 0',
    'context.weekday == 5',
    'context.time == 59999',
    '{ a: context.bytes, Var: context.minute } == { a: 1, Var: 1 }',
    'context has bytes',
  ),
)
const expressions = fc.letrec<{ all: string }>((tie) => ({
  all: fc.oneof(
    { depthSize: 'small' },
    atoms,
    fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left} && ${right})`),
    fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left} || ${right})`),
    fc.tuple(tie('all')).map(([one]) => `!(${one})`),
    fc.tuple(tie('all'), tie('all')).map(([one, other]) => `(if ${one} then ${other} else true)`),
  ),
})).all
const scopes = fc.tuple(
  fc.oneof(
    fc.constant('principal'),
    zone.map((each) => `principal in ${each}`),
  ),
  fc.constantFrom('action', 'action == Action::"publish"'),
  fc.oneof(
    fc.constant('resource'),
    zone.map((each) => `resource in ${each}`),
  ),
)
const rules = fc
  .tuple(
    fc.constantFrom('permit', 'forbid'),
    scopes,
    fc.constantFrom('when', 'unless'),
    expressions,
  )
  .map(([effect, scope, kind, body]) => `${effect} (${scope.join(', ')}) ${kind} { ${body} };`)
const texts = fc.array(rules, { minLength: 1, maxLength: 4 }).map((all) => all.join('\n'))

/** A policy is asked, or replaced. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), request: requests }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), text: texts }) },
  ),
  { minLength: 20, maxLength: 40 },
)

test('no cached decision outlives any of its inputs: it is what an uncached one would be', async () => {
  let hits = 0
  await fc.assert(
    fc.asyncProperty(texts, steps, async (text, all) => {
      let { policy, compiled } = await cached(text)
      for (const step of all) {
        if (step.kind === 'replace') {
          compiled[Symbol.dispose]()
          ;({ policy, compiled } = await cached(step.text))
          continue
        }
        const before = policy.size
        const decision = policy.decide(step.request)
        hits += policy.size === before ? 1 : 0
        expect(decision).toEqual(compiled.decide(step.request))
      }
      compiled[Symbol.dispose]()
    }),
    { seed: 0x1235, numRuns: 20 },
  )
  // A cache that never answers would pass all of this.
  expect(hits).toBeGreaterThan(100)
})

test('a decision is asked for again in another generation', async () => {
  const { policy } = await cached(rule('true'))
  const first = policy.decide(makeRequest())
  expect(policy.decide(makeRequest())).toBe(first)
  const next = policy.decide(makeRequest({ generation: 1 }))
  expect(next).not.toBe(first)
  expect(policy.decide(makeRequest({ generation: 1 }))).toBe(next)
  expect(policy.size).toBe(1)
})

test('the cache is bounded, the oldest goes first', async () => {
  const { policy, compiled } = await cached(rule('context.bytes >= 0'))
  // The engine is not what is tested here, and would take a second.
  const decision = compiled.decide(makeRequest())
  const counted = new CachedPolicy({
    ...compiled,
    inputs: compiled.inputs,
    decide: () => ({ ...decision }),
  })
  const first = counted.decide(makeRequest({ bytes: 0 }))
  for (let bytes = 1; bytes < POLICY_CACHE_MAX; bytes++) counted.decide(makeRequest({ bytes }))
  expect(counted.decide(makeRequest({ bytes: 0 }))).toBe(first)
  counted.decide(makeRequest({ bytes: POLICY_CACHE_MAX }))
  expect(counted.size).toBe(POLICY_CACHE_MAX)
  expect(counted.decide(makeRequest({ bytes: 0 }))).not.toBe(first)
  expect(policy.size).toBe(0)
})

test('a cached decision takes at most 5 µs', async () => {
  const { policy, compiled } = await cached(
    `${rule('context.organisation == context.ownOrganisation && context.basis == Basis::"grant"')}
     forbid (principal in Zone::"evil.example", action, resource in Zone::"acme.example");`,
  )
  const all = Array.from({ length: 64 }, (_, bytes) => makeRequest({ bytes, now: bytes }))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const message = new Uint8Array(200)
  const signature = sign(null, message, privateKey)
  const cachedUs = fastest(2_000, (index) => policy.decide(all[index % 64]!))
  const uncachedUs = fastest(100, (index) => compiled.decide(all[index % 64]!))
  const verifyUs = fastest(100, () => verify(null, message, publicKey, signature))
  const ratio = (verifyUs / cachedUs).toFixed(0)
  console.log(
    `cached decision ${cachedUs.toFixed(2)} µs, 1/${ratio} of an Ed25519 verification ` +
      `(${verifyUs.toFixed(0)} µs); uncached ${uncachedUs.toFixed(0)} µs`,
  )
  expect(cachedUs).toBeLessThanOrEqual(5)
})

/** Time of one call in µs: of ten rounds the best, since others use this machine as well. */
function fastest(count: number, call: (index: number) => unknown): number {
  let best = Infinity
  for (let round = 0; round < 10; round++) {
    const start = performance.now()
    for (let index = 0; index < count; index++) call(index)
    best = Math.min(best, ((performance.now() - start) * 1_000) / count)
  }
  return best
}
