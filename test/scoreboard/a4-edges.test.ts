import { openNodeVerifier } from '@ixj/node'
import { PARTITION_MS_MAX, SKEW_MS, STATUS_FRESH_MS_MAX, TrustError } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { respondHello } from '../../packages/agent/src/neighbours/hello.ts'
import type { Channel } from '../../packages/agent/src/transport.ts'
import { makeBundle } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { seededRandom } from '../world/random.ts'
import type { Identity } from '@ixj/agent'
import type { MadeBundle } from '../world/made-bundle.ts'
import { statusNotice } from '../world/made-status.ts'
import { trustBooks } from '../world/trust-books.ts'
import { ownAnchor, World } from '../world/world.ts'
import { acceptsCutOff, stolenKey, type Whose } from './cut-off.ts'
import { CREW, openBench, openStation } from './bench.ts'
import { recordHello } from './hello-record.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

/** Whether something holds at a time, and where its edges lie: the first and last ms at which it must. */
interface Edges {
  readonly first: number
  readonly last: number
  readonly holdsAt: (now: number) => Promise<boolean>
}

type Times = { readonly notBefore?: number; readonly notAfter?: number }

/** What a node of acme that opens at this very time, and knows nothing yet, says to a bundle. */
async function isAccepted(
  world: World,
  acme: Identity,
  made: MadeBundle,
  now: number,
): Promise<boolean> {
  const clock = { now: () => now, at: () => () => {} }
  const { core, [Symbol.asyncDispose]: close } = await openStation(world, acme, { clock })
  core.proofs.compose(await core.keepStatements(made.proof.statements))
  const verdict = await core.reception.message(CREW, made.bytes, 'peer')
  await close()
  return verdict === 'accept'
}

/** A bundle of bob's whose binding, root grant or leaf grant holds from one time to another. */
async function statementEdges(
  seed: number,
  which: 'binding' | 'parent binding' | 'root' | 'leaf',
): Promise<Edges> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const random = seededRandom(seed)
  const notBefore = world.clock.now() + Math.floor(random() * 1e6)
  const notAfter = notBefore + 200_000 + Math.floor(random() * 1e6)
  const times = (of: typeof which): Times =>
    of === which ? { notBefore, notAfter } : { notBefore: 0, notAfter: notAfter + 1e9 }
  const boss = await bindAnyhow(world, acme, 'boss.acme.example', times('parent binding'))
  const bob = await bindAnyhow(world, boss, 'bob.boss.acme.example', times('binding'))
  const root = await grantAnyhow(world, acme, {
    subject: boss.name,
    topics: [CREW],
    mayDelegate: [bob.name as never],
    // A child may not be wider, so the root is at least as long as the leaf.
    ...(which === 'leaf' ? { notBefore: 0, notAfter: notAfter + 1e9 } : times('root')),
  })
  const leaf = await grantAnyhow(world, boss, {
    subject: bob.name,
    topics: [CREW],
    onBehalfOf: acme.name,
    parent: root.id,
    ...(which === 'root' ? { notBefore, notAfter } : times('leaf')),
  })
  const sender = withStatements(bob, root, leaf)
  return {
    first: notBefore - SKEW_MS,
    last: notAfter + SKEW_MS,
    holdsAt: async (now) => {
      const made = await makeBundle(world, sender, CREW, { under: leaf, epoch: now, sentAt: now })
      return await isAccepted(world, acme, made, now)
    },
  }
}

/** A bundle that is too early by its sentAt or epoch, or too late by its lifespan. */
async function bundleEdges(seed: number, early: 'sentAt' | 'epoch'): Promise<Edges> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const random = seededRandom(seed)
  const sentAt = world.clock.now() + 1e6 + Math.floor(random() * 1e6)
  const lifespanMs = 1 + Math.floor(random() * 600_000)
  const epoch = early === 'epoch' ? sentAt : 0
  const bob = await bindAnyhow(world, acme, 'bob.acme.example', { notBefore: 0, notAfter: 2 ** 45 })
  const under = await grantAnyhow(world, acme, {
    subject: bob.name,
    topics: [CREW],
    notBefore: 0,
    notAfter: 2 ** 45,
  })
  const made = await makeBundle(world, withStatements(bob, under), CREW, {
    under,
    sentAt: early === 'sentAt' ? sentAt : sentAt - SKEW_MS,
    epoch,
    lifespanMs,
  })
  const sent = made.bundle.header.sentAt
  return {
    first: sentAt - SKEW_MS,
    // A sender of whom nothing was heard may have a clock that stands 60 s behind.
    last: sent + lifespanMs + SKEW_MS,
    holdsAt: (now) => isAccepted(world, acme, made, now),
  }
}

/** A hello whose clock is off. */
async function helloEdges(seed: number): Promise<Edges> {
  await using bench = await openBench(seed)
  const record = await recordHello(bench, openNodeVerifier(), 1)
  const said = bench.world.clock.now()
  return {
    first: said - SKEW_MS,
    last: said + SKEW_MS,
    holdsAt: async (now) => {
      let admitted = false
      const channel: Channel = {
        send: async () => {},
        frames: async function* () {
          yield record.open
          yield record.prove
        },
        close: async () => {},
      }
      const context = { ...record.responder(), clock: { now: () => now, at: () => () => {} } }
      await respondHello(channel, record.ends, context, () => (admitted = true)).catch(
        () => 'not admitted',
      )
      return admitted
    },
  }
}

/** A status that a cut-off node heard: the last ms at which what it covers is accepted. */
async function statusEdges(seed: number, whose: Whose): Promise<Edges> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const issuedAt = world.clock.now() + Math.floor(seededRandom(seed)() * 1e6)
  const stolen = await stolenKey(world, acme, whose)
  const allowed = whose === 'own' ? PARTITION_MS_MAX : STATUS_FRESH_MS_MAX + SKEW_MS
  return {
    // It is accepted as soon as the node has heard it; a status from further ahead is not taken.
    first: issuedAt,
    last: issuedAt + allowed,
    holdsAt: async (now) => {
      if (now < issuedAt) return false
      const made = await stolen.bundle(now)
      return await acceptsCutOff(world, acme, { whose, made, issuedAt, now })
    },
  }
}

/** A status by a clock that is ahead: the first ms of our time at which it is taken. */
async function statusAheadEdges(seed: number): Promise<Edges> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  const issuedAt = world.clock.now() + Math.floor(seededRandom(seed)() * 1e6)
  const notice = await statusNotice(world, acme, { issuedAt })
  return {
    first: issuedAt - SKEW_MS,
    last: issuedAt + STATUS_FRESH_MS_MAX + SKEW_MS,
    holdsAt: async (now) => {
      const clock = { now: () => now, at: () => () => {} }
      const { notices, trust } = trustBooks([ownAnchor(acme)], { clock, verifier: world.verifier })
      try {
        await notices.take(notice.bytes, null)
      } catch (cause) {
        if (!(cause instanceof TrustError)) throw cause
        return false
      }
      const held = trust.statuses.held(acme.name)
      return held !== undefined && now <= held.signed.statement.freshUntil + SKEW_MS
    },
  }
}

const kinds: readonly (readonly [string, (seed: number) => Promise<Edges>])[] = [
  ['binding', (seed) => statementEdges(seed, 'binding')],
  ['parent binding', (seed) => statementEdges(seed, 'parent binding')],
  ['root grant', (seed) => statementEdges(seed, 'root')],
  ['leaf grant', (seed) => statementEdges(seed, 'leaf')],
  ['sentAt and lifespan', (seed) => bundleEdges(seed, 'sentAt')],
  ['epoch', (seed) => bundleEdges(seed, 'epoch')],
  ['hello', helloEdges],
  ['status, own', (seed) => statusEdges(seed, 'own')],
  ['status, strict', (seed) => statusEdges(seed, 'strict')],
  ['status, foreign', (seed) => statusEdges(seed, 'foreign')],
  ['status ahead', statusAheadEdges],
]

describe('A4: times', () => {
  it(
    'have edges exact to the millisecond',
    async () => {
      let exact = 0
      let tried = 0
      const rounds = scaled(500)
      for (const [index, [, open]] of kinds.entries()) {
        for (let round = 0; round < rounds; round++) {
          const { first, last, holdsAt } = await open(SEED + index * 100_000 + round)
          const answers = [
            await holdsAt(first - 1),
            await holdsAt(first),
            await holdsAt(last),
            await holdsAt(last + 1),
          ]
          tried += 2
          exact += (!answers[0]! && answers[1]! ? 1 : 0) + (answers[2]! && !answers[3]! ? 1 : 0)
        }
      }
      expect(
        report({
          id: 'A4',
          what: `edges of ${kinds.map(([kind]) => kind).join(', ')}, skew 60 s`,
          count: exact,
          of: tried,
          counted: 'exact to 1 ms',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
