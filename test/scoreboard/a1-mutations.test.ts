import { webCryptoVerifier } from '@ixj/browser'
import { openNodeVerifier } from '@ixj/node'
import { isGrant, nobleVerifier, StatementStore, type Verifier } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { respondHello } from '../../packages/agent/src/neighbours/hello.ts'
import { sealAnnouncement } from '../../packages/agent/src/presence/announcement.ts'
import type { Channel } from '../../packages/agent/src/transport.ts'
import { seededRandom } from '../world/random.ts'
import { type Bench, CREW, openBench } from './bench.ts'
import { recordHello } from './hello-record.ts'
import { mutate } from './mutate.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

/** One kind of object: two genuine ones, and whether bytes are accepted as one. */
interface Kind {
  readonly what: string
  readonly genuine: readonly [Uint8Array, Uint8Array]
  readonly accepts: (bytes: Uint8Array) => Promise<boolean>
}

async function bundles(bench: Bench): Promise<Kind> {
  const first = await bench.make({ first: 1 })
  const second = await bench.make({ first: 2 })
  return {
    what: 'bundles',
    genuine: [first.bytes, second.bytes],
    accepts: async (bytes) => (await bench.core.message(CREW, bytes, 'peer')) === 'accept',
  }
}

async function presences({ world, core, acme }: Bench): Promise<Kind> {
  const node = await world.bind(acme, 'n2.acme.example', {
    grants: [{ actions: ['subscribe'], topics: [CREW] }],
  })
  const [subscribe] = node.statements.filter(isGrant)
  const proof = core.proofs.compose(await core.keepStatements(node.statements))
  const announce = (later: number) =>
    sealAnnouncement(
      {
        node: node.name,
        topic: CREW,
        proof: proof.id,
        members: [
          {
            agent: node.name,
            agentKey: node.signer.publicKey,
            since: later,
            proof: proof.id,
            subscribe: subscribe?.id ?? null,
            answer: null,
            host: null,
          },
        ],
      },
      { signer: node.signer, now: world.clock.now() + later, random: world.bytes },
    )
  let peers = 0
  return {
    what: 'presences',
    genuine: [await announce(1), await announce(2)],
    // Each from another neighbour, or they would be refused for their rate alone.
    accepts: async (bytes) => (await core.message(CREW, bytes, `peer ${peers++}`)) === 'accept',
  }
}

async function statements(bench: Bench, verifier: Verifier): Promise<Kind> {
  const [binding, grant] = (await bench.make()).proof.statements
  const store = new StatementStore()
  return {
    what: 'statements',
    genuine: [binding!.envelope, grant!.envelope],
    accepts: async (bytes) => {
      try {
        await store.add(bytes, { owner: 'peer', verifier })
        return true
      } catch {
        return false
      }
    },
  }
}

async function hellos(bench: Bench, verifier: Verifier): Promise<Kind> {
  const one = await recordHello(bench, verifier, 1)
  const other = await recordHello(bench, verifier, 2)
  return {
    what: 'hellos',
    genuine: [one.prove, other.prove],
    accepts: async (bytes) => {
      let admitted = false
      const channel: Channel = {
        send: async () => {},
        frames: async function* () {
          yield one.open
          yield bytes
        },
        close: async () => {},
      }
      try {
        await respondHello(channel, one.ends, one.responder(), () => (admitted = true))
      } catch {
        return admitted
      }
      return admitted
    },
  }
}

const runtimes: readonly (readonly [string, () => Verifier, number])[] = [
  ['node:crypto', () => openNodeVerifier(), 1_000_000],
  ['noble', () => nobleVerifier, 10_000],
  ['WebCrypto', () => webCryptoVerifier(crypto.subtle), 10_000],
]

describe('A1: mutated objects', () => {
  for (const [runtime, openVerifier, count] of runtimes) {
    it(
      `are accepted never, with ${runtime}`,
      async () => {
        const verifier = openVerifier()
        await using bench = await openBench(SEED, verifier)
        const kinds = [
          await bundles(bench),
          await statements(bench, verifier),
          await presences(bench),
          await hellos(bench, verifier),
        ]
        const random = seededRandom(SEED)
        const each = Math.ceil(scaled(count) / kinds.length)
        let accepted = 0
        for (const { genuine, accepts } of kinds) {
          for (let round = 0; round < each; round++) {
            const [one, other] = round % 2 === 0 ? genuine : ([genuine[1], genuine[0]] as const)
            if (await accepts(mutate(one, other, random))) accepted += 1
          }
        }
        // What the mutations were made from is accepted: the row can fail.
        for (const { what, genuine, accepts } of kinds) {
          expect(await accepts(genuine[0]), `genuine ${what}`).toBe(true)
        }
        expect(
          report({
            id: 'A1',
            what: `mutated bundles, statements, presences and hellos with ${runtime}`,
            count: accepted,
            of: each * kinds.length,
            counted: 'accepted',
            goal: 'none',
          }),
        ).toBe('met')
      },
      ROW_MS_MAX,
    )
  }
})
