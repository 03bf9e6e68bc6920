import type { PolicyRequest } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { CachedPolicy, compilePolicy, DEFAULT_POLICY } from '@ixj/node/policy'
import { performance } from 'node:perf_hooks'
import type { Figure } from './proofs.ts'

const DECISIONS = 20_000
const UNCACHED = 500

/** Measures the default policy: asked before, and asked of the engine. */
export async function benchPolicy(
  scale: number,
  verificationMicroseconds: number,
): Promise<readonly Figure[]> {
  using compiled = await compilePolicy(DEFAULT_POLICY, 'policy.cedar')
  const cached = new CachedPolicy(compiled)
  const figure = (what: string, microseconds: number, goal?: number): Figure => ({
    what,
    microseconds,
    ...(goal === undefined ? {} : { goal }),
    ratio: microseconds / verificationMicroseconds,
  })
  // The first ones warm both up.
  for (let index = 0; index < UNCACHED; index++) compiled.decide(requestOf(index))
  const asked = perCall(UNCACHED * scale, (index) => compiled.decide(requestOf(index)))
  const known = perCall(DECISIONS * scale, (index) => cached.decide(requestOf(index)))
  return [
    figure('cached decision of a Cedar policy', known, 5),
    figure('the same, asked of the engine', asked),
  ]
}

function perCall(times: number, call: (index: number) => unknown): number {
  const count = Math.max(100, Math.round(times))
  const start = performance.now()
  for (let index = 0; index < count; index++) call(index)
  return ((performance.now() - start) * 1_000) / count
}

const ACME = parseName('acme.example')
const WORKER = parseName('w1.planner.acme.example')
const CREW = parseName('crew.acme.example')

/** Bundles of one sender, other in size and time each. */
function requestOf(index: number): PolicyRequest {
  return {
    receiver: ACME,
    sender: WORKER,
    organisation: ACME,
    ownOrganisation: ACME,
    action: 'publish',
    topic: CREW,
    onBehalfOf: ACME,
    basis: 'grant',
    delegators: [ACME],
    path: [ACME],
    class: 'event',
    bytes: index,
    priority: 1,
    approvals: [],
    freshness: 'fresh',
    now: index,
    generation: 0,
  }
}
