import type { PolicyDecision, PolicyRequest } from '@ixj/agent'
import { POLICY_CACHE_MAX } from '../home/limits.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { inputsKey } from './policy-inputs.ts'

/**
 * Decisions of one policy text, each kept under every input that the text mentions. A request of
 * another generation finds none of those before it. Bounded: the oldest goes.
 */
export class CachedPolicy {
  readonly compiled: CompiledPolicy
  readonly #decisions = new Map<string, PolicyDecision>()
  #generation = Number.NaN

  constructor(compiled: CompiledPolicy) {
    this.compiled = compiled
  }

  /** Decisions that are kept; at most {@link POLICY_CACHE_MAX}. */
  get size(): number {
    return this.#decisions.size
  }

  /** Decides; less than 5 µs if the same was asked before. @throws PolicyError `engine` */
  decide(request: PolicyRequest): PolicyDecision {
    if (request.generation !== this.#generation) {
      this.#decisions.clear()
      this.#generation = request.generation
    }
    const key = inputsKey(this.compiled.inputs, request)
    const known = this.#decisions.get(key)
    if (known !== undefined) return known
    const decision = this.compiled.decide(request)
    this.#decisions.set(key, decision)
    if (this.#decisions.size > POLICY_CACHE_MAX) {
      const oldest = this.#decisions.keys().next()
      if (oldest.done !== true) this.#decisions.delete(oldest.value)
    }
    return decision
  }
}
