import { AnchorSet, checkName, StatusBook } from '@ixj/trust'
import { expect, test } from 'vitest'
import { nodeSigner } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { KeptFreshness } from '../../src/pipeline/kept-freshness.ts'

const ACME = name('acme.example')
const NOW = 1_800_000_000_000

function chainOf(key: Uint8Array) {
  const anchors = new AnchorSet([{ name: ACME, keys: [key], purposes: ['send'] }])
  const question = { name: ACME, key, use: 'sign', purpose: 'send' } as const
  return checkName(question, { anchors, bindings: [], now: NOW })
}

test('KeptFreshness looks once for all agents of a pool, and anew for another chain', () => {
  const { publicKey } = nodeSigner(new Uint8Array(32).fill(1))
  const chain = chainOf(publicKey)
  const kept = new KeptFreshness()
  const trust = { generation: 0, statuses: new StatusBook() }
  const find = (of: typeof chain) =>
    kept.find(of, { authority: undefined, approvers: [] }, { trust, now: NOW })
  const first = find(chain)
  // What is kept of a chain is given to each agent of a pool under its own name.
  expect(find({ ...chain, name: name('a1.pool.acme.example') })).toBe(first)
  expect(find(chainOf(publicKey))).not.toBe(first)
  trust.generation = 1
  expect(find(chain)).not.toBe(first)
})
