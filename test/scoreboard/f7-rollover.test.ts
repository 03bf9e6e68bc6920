import { makeNotice, ruleTable, type Clock, type Identity } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { AnchorSet, issueSuccessor, SKEW_MS } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { Host } from '../../packages/agent/src/host/host.ts'
import { openWorldCore } from '../world/open-core.ts'
import { allAbilities } from '../../packages/agent/src/host/open-host.ts'
import { makeBundle } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { ownAnchor, World } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const TIMES = { notBefore: 0, notAfter: 2 ** 45 }
const OVERLAP_MS = 600_000

/** A member of the crew by what this root signed. */
async function memberBy(world: World, root: Identity, label: string, action = 'publish' as const) {
  const identity = await bindAnyhow(world, root, `${label}.acme.example`, TIMES)
  const grant = await grantAnyhow(world, root, { subject: identity.name, topics: [CREW], ...TIMES })
  return { identity: withStatements(identity, grant), grant, action }
}

describe('F7: a root key is succeeded under load', () => {
  it(
    'and nothing valid is lost, nothing by the old key accepted after the overlap',
    async () => {
      const world = new World(SEED)
      const old = world.organisation('acme.example')
      const fresh: Identity = { ...old, signer: world.key() }
      const begin = world.clock.now()
      const time = { now: begin }
      const clock: Clock = { now: () => time.now, at: () => () => {} }
      const node = await bindAnyhow(world, old, 'n1.acme.example', TIMES)
      const right = await grantAnyhow(world, old, {
        subject: node.name,
        actions: ['subscribe'],
        topics: [CREW],
        ...TIMES,
      })
      const core = await openWorldCore(world, {
        identity: withStatements(node, right),
        anchors: new AnchorSet([{ ...ownAnchor(old), next: nodeSha256(fresh.signer.publicKey) }]),
        policy: ruleTable(),
        transport: world.network.open('n1'),
        clock,
      })
      const host = await new Host(core, allAbilities).openSelf()
      await host.self.join(CREW)
      const [byOld, byNew] = [await memberBy(world, old, 'a'), await memberBy(world, fresh, 'b')]
      const from = begin + OVERLAP_MS
      const until = from + OVERLAP_MS
      const successor = await issueSuccessor(
        {
          kind: 'successor',
          issuer: old.name,
          notBefore: from,
          notAfter: until,
          nonce: world.bytes(16),
          name: old.name,
          newKey: fresh.signer.publicKey,
          next: null,
        },
        { old: old.signer, new: fresh.signer },
        nodeSha256,
      )
      const counts = { valid: 0, lost: 0, late: 0, lateAccepted: 0, early: 0, earlyAccepted: 0 }
      const messages = scaled(20_000)
      let moved = false
      for (let index = 0; index < messages; index++) {
        time.now = begin + Math.floor(((3 * OVERLAP_MS) / messages) * index)
        if (!moved && time.now >= from) {
          moved = await host.takeNotice(makeNotice(successor, []).bytes)
        }
        const isOld = index % 2 === 0
        const { identity, grant } = isOld ? byOld : byNew
        const made = await makeBundle(world, identity, CREW, {
          under: grant,
          epoch: begin,
          first: index + 1,
          sentAt: time.now,
        })
        core.proofs.compose(await core.keepStatements(made.proof.statements))
        const accepted = (await core.reception.message(CREW, made.bytes, 'peer')) === 'accept'
        if (isOld ? time.now <= until + SKEW_MS : moved) {
          counts.valid += 1
          counts.lost += accepted ? 0 : 1
        } else if (isOld) {
          counts.late += 1
          counts.lateAccepted += accepted ? 1 : 0
        } else {
          counts.early += 1
          counts.earlyAccepted += accepted ? 1 : 0
        }
      }
      await host[Symbol.asyncDispose]()
      expect([counts.valid, counts.late, counts.early].every((count) => count > 0)).toBe(true)
      const wrong = counts.lost + counts.lateAccepted + counts.earlyAccepted
      expect(
        report({
          id: 'F7',
          what: `bundles in a rollover: ${counts.valid} valid, ${counts.lost} of them lost; ${counts.late} by the old key after the overlap, ${counts.lateAccepted} accepted`,
          count: messages - wrong,
          of: messages,
          counted: 'as they should be',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
