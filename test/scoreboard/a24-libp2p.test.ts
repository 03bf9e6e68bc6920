import type { Code, Host, Identity } from '@ixj/agent'
import type { Mesh } from '@ixj/node'
import { CachedPolicy, compilePolicy, DEFAULT_POLICY } from '@ixj/node/policy'
import type { AnchorFields } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { openMeshHost } from '../world/fleet.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { foreignAnchor, ownAnchor, World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const HOUR_MS = 3_600_000

interface Station extends AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
}

async function openStation(
  identity: Identity,
  anchors: readonly AnchorFields[],
  rule: string,
): Promise<Station> {
  const text = `${DEFAULT_POLICY}\n${rule}`
  const policy = new CachedPolicy(await compilePolicy(text, 'policy.cedar'))
  const { host, mesh } = await openMeshHost({ identity, anchors, policy })
  return { host, mesh, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}

/** Waits for decisions until this one has been made that often. */
async function decided(host: Host, counts: ReadonlyMap<Code, number>): Promise<void> {
  const signal = AbortSignal.timeout(ROW_MS_MAX / 2)
  const isDone = () => [...counts].every(([code, count]) => (host.counts.get(code) ?? 0) >= count)
  const decisions = host.decisions({ signal })
  while (!isDone()) {
    const next = await decisions.take()
    if (next.done === true) throw new Error(`Not decided in time: ${JSON.stringify([...counts])}`)
  }
  decisions.close()
}

describe('A24: refusals by local anchors and policy, over libp2p', () => {
  it(
    'lower no honest neighbour’s score',
    async () => {
      const world = new World(SEED)
      const now = Date.now()
      const times = { notBefore: now - HOUR_MS, notAfter: now + HOUR_MS }
      const acme = world.organisation('acme.example')
      const globex = world.organisation('globex.example')
      const member = async (parent: Identity, label: string) => {
        const identity = await bindAnyhow(world, parent, label, times)
        const grant = await grantAnyhow(world, acme, {
          subject: identity.name,
          topics: [CREW],
          actions: ['publish', 'subscribe'],
          ...times,
        })
        return withStatements(identity, grant)
      }
      const forbidden = `forbid (principal == Agent::"bob.acme.example", action, resource);`
      const permitted = `permit (principal in Zone::"globex.example", action, resource);`
      const anchors = [ownAnchor(acme)]
      const n1 = await bindAnyhow(world, acme, 'n1.acme.example', times)
      const n2 = await bindAnyhow(world, acme, 'n2.acme.example', times)
      await using strict = await openStation(n1, anchors, forbidden)
      await using honest = await openStation(n2, [...anchors, foreignAnchor(globex)], permitted)
      const desk = await strict.host.openAgent(await member(acme, 'desk.acme.example'))
      await desk.join(CREW)
      const crews = []
      for (const [parent, label] of [
        [acme, 'bob.acme.example'],
        [globex, 'hank.globex.example'],
      ] as const) {
        const agent = await honest.host.openAgent(await member(parent, label))
        crews.push(await agent.join(CREW))
      }
      await honest.mesh.dial(strict.mesh.addresses[0]!)
      // Both see each other when the desk is announced.
      const [bobs, hanks] = crews
      await bobs!.presence({ signal: AbortSignal.timeout(20_000) }).take()
      const peer = honest.mesh.peer
      const rounds = Math.ceil(scaled(2_000) / 2)
      for (let round = 0; round < rounds; round++) {
        await bobs!.publish(round)
        await hanks!.publish(round)
      }
      await decided(
        strict.host,
        new Map<Code, number>([
          ['policy', rounds],
          ['no-anchor', rounds],
        ]),
      )
      const score = strict.mesh.score(peer)
      // Messages that every node must refuse are blamed: the row can fail. A verdict is decided
      // before gossip hears of it, so the second one tells that the first has counted.
      for (const count of [1, 2]) {
        await honest.mesh.publish(CREW, Uint8Array.of(0xc1, count))
        await decided(strict.host, new Map<Code, number>([['encoding', count]]))
      }
      expect(strict.mesh.score(peer)).toBeLessThan(score)
      expect(
        report({
          id: 'A24',
          what: 'over libp2p, messages that only our own anchors and Cedar policy refuse',
          count: score < 0 ? 2 * rounds : 0,
          of: 2 * rounds,
          counted: 'that cost the honest neighbour score',
          goal: 'none',
          note: 'full disk: part 4',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
