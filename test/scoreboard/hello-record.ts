import { nodeSha256 } from '@ixj/node'
import { encode, StatementStore, type Verifier } from '@ixj/trust'
import { provingStatements, type Identity } from '../../packages/agent/src/host/identity.ts'
import {
  type Ends,
  type HelloContext,
  initiateHello,
} from '../../packages/agent/src/neighbours/hello.ts'
import { ZoneKeyBook } from '../../packages/agent/src/neighbours/zone-keys.ts'
import type { Channel } from '../../packages/agent/src/transport.ts'
import { proofOf } from '../world/made-bundle.ts'
import { trustBooks } from '../world/trust-books.ts'
import { name, ownAnchor } from '../world/world.ts'
import type { Bench } from './bench.ts'

const RESPONDER = name('n1.acme.example')

/** What one hello's initiator said, and a responder to whom it said so. */
export interface HelloRecord {
  readonly ends: Ends
  readonly open: Uint8Array
  readonly prove: Uint8Array
  /** The responder that gave this hello's challenge, again. */
  responder(): HelloContext
}

/** Has a node of acme say hello, and keeps its frames. */
export async function recordHello(
  bench: Bench,
  verifier: Verifier,
  number: number,
): Promise<HelloRecord> {
  const { world, acme } = bench
  const initiator = await world.bind(acme, `h${number}.acme.example`)
  const responder = await world.bind(acme, RESPONDER)
  const ends = { initiator: `peer ${number}`, responder: 'peer 0' }
  const nonce = world.bytes(32)
  const sent: Uint8Array[] = []
  const channel: Channel = {
    send: async (frame) => void sent.push(frame),
    frames: async function* () {
      yield encode([1, 'challenge', nonce, RESPONDER])
    },
    close: async () => {},
  }
  // The record ends before the responder's proof, which is not what is recorded.
  await initiateHello(channel, ends, contextOf(bench, initiator, verifier)).catch(
    () => 'the record ends here',
  )
  const [open, prove] = sent
  if (open === undefined || prove === undefined) throw new Error('The initiator said nothing')
  return {
    ends,
    open,
    prove,
    responder: () => {
      const nonces = [nonce]
      const random = (length: number) => nonces.pop() ?? new Uint8Array(length)
      return { ...contextOf(bench, responder, verifier), random }
    },
  }
}

function contextOf(bench: Bench, identity: Identity, verifier: Verifier): HelloContext {
  const { world, acme } = bench
  const proof = proofOf(provingStatements(identity, []))
  const store = new StatementStore()
  return {
    name: identity.name,
    signer: identity.signer,
    clock: world.clock,
    random: world.bytes,
    verifier,
    ...trustBooks([ownAnchor(acme)], { clock: world.clock, verifier }),
    organisation: acme.name,
    proof: () => ({
      bytes: proof.bytes,
      envelopes: proof.statements.map(({ envelope }) => envelope),
      statuses: [],
    }),
    zoneKeys: new ZoneKeyBook(undefined, world.clock, nodeSha256),
    hash: nodeSha256,
    measured: () => {},
    keep: (envelope, owner) => store.add(envelope, { owner, verifier }),
  }
}
