import { AnchorSet, sha256, TrustError, type PublishedKey } from '@ixj/trust'
import { expect, it } from 'vitest'
import { TrustState } from '../../src/revoked/trust-state.ts'
import { watchRight } from '../../src/revoked/watched-right.ts'

const key = {} as PublishedKey

/** A right that rests on a key in the DNS, and what it holds by. */
function watched() {
  const trust = new TrustState(new AnchorSet([]), sha256)
  const state = { holds: true, checks: 0, outvoted: false, until: 1_000 }
  const check = () => {
    state.checks += 1
    if (!state.holds) throw new TrustError('no-anchor', 'no anchor any more')
    return { until: state.until, rests: [key] }
  }
  const context = { trust, isOutvoted: () => state.outvoted }
  return { trust, state, right: watchRight({ until: 1_000, rests: [key] }, check, context) }
}

it('watchRight() checks again only when trust has changed, and follows it both ways', () => {
  const { trust, state, right } = watched()
  state.holds = false
  expect([right.holds(), state.checks]).toEqual([true, 0])
  trust.setAnchors(new AnchorSet([]))
  expect([right.holds(), right.holds(), state.checks]).toEqual([false, false, 1])
  state.holds = true
  state.until = 500
  trust.raise()
  expect([right.holds(), right.until]).toEqual([true, 500])
})

it('watchRight() ends with a key that the DNS takes back, though nothing was revoked', () => {
  const { state, right } = watched()
  expect(right.holds()).toBe(true)
  state.outvoted = true
  expect([right.holds(), state.checks]).toEqual([false, 0])
})
