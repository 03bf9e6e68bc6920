import { formatSignedCheckpoint, openCheckpoint, signCheckpoint } from '@ixj/audit'
import { nodeSha256 } from '@ixj/node'
import {
  defaultCrossNames,
  isGrant,
  issueStatement,
  issueSuccessor,
  prepareStatement,
  signStatements,
  StatementStore,
  utf8Bytes,
  utf8Text,
  type Verifier,
} from '@ixj/trust'
import { respondHello } from '../../packages/agent/src/neighbours/hello.ts'
import { sealAnnouncement } from '../../packages/agent/src/presence/announcement.ts'
import type { Channel } from '../../packages/agent/src/transport.ts'
import { approvalsOf, approveBy, makeApproved, toApprove } from '../world/made-approval.ts'
import { resignBundle, signTogether } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { name } from '../world/world.ts'
import { type Bench, CREW } from './bench.ts'
import { recordHello } from './hello-record.ts'

/** One kind of object: two genuine ones, and whether bytes are accepted as one. */
export interface Kind {
  readonly what: string
  /** Where such objects come in; those of one place are told apart by what they say. */
  readonly place: string
  readonly genuine: readonly [Uint8Array, Uint8Array]
  readonly accepts: (bytes: Uint8Array) => Promise<boolean>
}

async function bundles(bench: Bench): Promise<Kind> {
  const first = await bench.make({ first: 1 })
  const second = await bench.make({ first: 2 })
  return {
    what: 'bundles',
    // One door in gossip.
    place: 'gossip',
    genuine: [first.bytes, second.bytes],
    accepts: async (bytes) =>
      (await bench.core.reception.message(CREW, bytes, 'peer')) === 'accept',
  }
}

/** Bundles that one signature is over. */
async function bundlesTogether(bench: Bench): Promise<Kind> {
  const made = [await bench.make({ first: 3 }), await bench.make({ first: 4 })]
  const [one, other] = await signTogether(made, bench.ann.signer)
  const { accepts, place } = await bundles(bench)
  return { what: 'bundles under one signature', place, genuine: [one!, other!], accepts }
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
        heads: [],
      },
      { signer: node.signer, now: world.clock.now() + later, random: world.bytes },
    )
  let peers = 0
  return {
    what: 'presences',
    place: 'gossip',
    genuine: [await announce(1), await announce(2)],
    // Each from another neighbour, or they would be refused for their rate alone.
    accepts: async (bytes) =>
      (await core.reception.message(CREW, bytes, `peer ${peers++}`)) === 'accept',
  }
}

async function statements(bench: Bench, verifier: Verifier): Promise<Kind> {
  const [binding, grant] = (await bench.make()).proof.statements
  return stored('bindings and grants', [binding!.envelope, grant!.envelope], verifier)
}

/** Statements that one signature is over. */
async function statementsTogether({ world, acme }: Bench, verifier: Verifier): Promise<Kind> {
  const binding = (label: string) => {
    const now = world.clock.now()
    const period = { notBefore: now, notAfter: now + 20_000, nonce: world.bytes(16) }
    const bound = { name: name(`${label}.acme.example`), key: world.key().publicKey }
    const rest = { encryptionKey: null, uses: 'sign', depth: 0, strict: false } as const
    const fields = { kind: 'binding', issuer: acme.name, ...period, ...bound, ...rest } as const
    return prepareStatement(fields, acme.signer.publicKey)
  }
  const unsigned = [binding('w1'), binding('w2')]
  const [one, other] = await signStatements(unsigned, acme.signer, nodeSha256)
  return stored('statements under one signature', [one!.envelope, other!.envelope], verifier)
}

async function hellos(bench: Bench, verifier: Verifier): Promise<Kind> {
  const one = await recordHello(bench, verifier, 1)
  const other = await recordHello(bench, verifier, 2)
  return {
    what: 'hellos',
    place: 'hello',
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

type Issued = 'cross-certificate' | 'revocation' | 'status'

/** Two statements of a kind, by acme's key. */
async function issued(
  bench: Bench,
  kind: Issued,
  fields: (which: number) => object,
): Promise<readonly [Uint8Array, Uint8Array]> {
  const { world, acme } = bench
  const now = world.clock.now()
  const make = async (which: number) => {
    const common = { kind, issuer: acme.name, notBefore: now, notAfter: now + 20_000 }
    const all = { ...common, nonce: world.bytes(16), ...fields(which) }
    return await issueStatement(all as never, acme.signer, nodeSha256)
  }
  return [(await make(0)).envelope, (await make(1)).envelope]
}

/** Statements of the kinds that say whom to trust, and whom no more. */
async function trusts(bench: Bench, verifier: Verifier): Promise<readonly Kind[]> {
  const { world, acme } = bench
  const now = world.clock.now()
  const subject = name('globex.example')
  const crossing = await issued(bench, 'cross-certificate', () => ({
    subject,
    subjectKeys: [world.key().publicKey],
    next: null,
    names: defaultCrossNames(subject),
    introduces: [],
    hops: 0,
    purposes: ['connect', 'send'],
  }))
  const revocations = await issued(bench, 'revocation', () => ({
    of: acme.name,
    target: { kind: 'statement', id: world.bytes(32) },
  }))
  const statuses = await issued(bench, 'status', (which) => ({
    of: acme.name,
    number: which + 1,
    digest: world.bytes(32),
    issuedAt: now,
    freshUntil: now + 20_000,
  }))
  const successor = async () => {
    const next = world.key()
    const fields = { issuer: acme.name, name: acme.name, newKey: next.publicKey, next: null }
    const period = { notBefore: now, notAfter: now + 20_000, nonce: world.bytes(16) }
    return await issueSuccessor(
      { kind: 'successor', ...fields, ...period },
      { old: acme.signer, new: next },
    )
  }
  const successors = [(await successor()).envelope, (await successor()).envelope] as const
  return [
    stored('cross-certificates', crossing, verifier),
    stored('revocations', revocations, verifier),
    stored('statuses', statuses, verifier),
    stored('successors', successors, verifier),
  ]
}

function stored(what: string, genuine: Kind['genuine'], verifier: Verifier): Kind {
  const store = new StatementStore()
  return {
    what,
    place: 'statement',
    genuine,
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

/** Approvals in a header that their sender signs anew, whatever they are. */
async function approvals({ world, acme, core }: Bench): Promise<Kind> {
  const [bob, carol] = [
    await bindAnyhow(world, acme, 'bob.acme.example'),
    await bindAnyhow(world, acme, 'carol.acme.example'),
  ]
  const under = await grantAnyhow(world, acme, {
    subject: bob.name,
    topics: [CREW],
    conditions: [approvalsOf(1, carol.name)],
  })
  const asked = toApprove(world, withStatements(bob, under), CREW, under)
  const one = await approveBy(world, carol, asked)
  const other = await approveBy(world, carol, asked)
  const made = await makeApproved(world, asked, { approvers: [carol], approvals: [one] })
  core.proofs.compose(await core.keepStatements(made.proof.statements))
  return {
    what: 'approvals',
    place: 'approval',
    genuine: [one.envelope, other.envelope],
    accepts: async (bytes) => {
      const signed = await resignBundle(made, bob.signer, (fields) => (fields[15] = [bytes]))
      return (await core.reception.message(CREW, signed, 'peer')) === 'accept'
    },
  }
}

/** Proofs that are asked for by their id. */
async function proofs(bench: Bench): Promise<Kind> {
  const { core } = bench
  const { proof } = await bench.make()
  const [grant] = proof.statements.filter(isGrant)
  const known = core.proofs.compose(proof.statements)
  const other = core.proofs.compose(proof.statements.filter((signed) => signed !== grant))
  return {
    what: 'proofs',
    place: 'proof',
    genuine: [known.bytes, other.bytes],
    accepts: async (bytes) => {
      try {
        return core.proofs.read(bytes).idText === known.idText
      } catch {
        return false
      }
    },
  }
}

/** Checkpoints of an audit log. */
async function checkpoints({ world }: Bench, verifier: Verifier): Promise<Kind> {
  const signer = world.key()
  const origin = 'n1.acme.example/ixj/audit'
  const note = async (size: number) => {
    const checkpoint = { origin, size, root: world.bytes(32) }
    const signed = await signCheckpoint(checkpoint, { signer, hash: nodeSha256 })
    return utf8Bytes(formatSignedCheckpoint(signed))
  }
  const key = { name: origin, use: 'note', publicKey: signer.publicKey } as const
  return {
    what: 'checkpoints',
    place: 'checkpoint',
    genuine: [await note(7), await note(8)],
    accepts: async (bytes) => {
      try {
        await openCheckpoint(utf8Text(bytes), { key, verifier, hash: nodeSha256 })
        return true
      } catch {
        return false
      }
    },
  }
}

/** Every kind of object that a node takes from others. */
export async function kindsOf(bench: Bench, verifier: Verifier): Promise<readonly Kind[]> {
  return [
    await bundles(bench),
    await bundlesTogether(bench),
    await statements(bench, verifier),
    await statementsTogether(bench, verifier),
    ...(await trusts(bench, verifier)),
    await presences(bench),
    await hellos(bench, verifier),
    await approvals(bench),
    await proofs(bench),
    await checkpoints(bench, verifier),
  ]
}
