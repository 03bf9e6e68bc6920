import type { Identity } from '@ixj/agent'
import { nodeRandom, nodeSha256, openNodeVerifier } from '@ixj/node'
import { parsePattern } from '@ixj/names'
import {
  AnchorSet,
  checkAuthority,
  checkName,
  isBinding,
  isGrant,
  noteSoundKey,
  type SignedStatement,
  signingInput,
  StatementStore,
  toHex,
} from '@ixj/trust'
import { performance } from 'node:perf_hooks'
import { PUBLIC_KEY_BYTES, SOUND_KEYS_MAX } from '../../packages/trust/src/limits.ts'
import { ChainCache } from '../../packages/agent/src/pipeline/chain-cache.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../test/world/made-statement.ts'
import { ownAnchor, World } from '../../test/world/world.ts'
import { percentile } from '../table.ts'

/** One figure: microseconds at the median, and how many bare Ed25519 verifications that is. */
export interface Figure {
  readonly what: string
  readonly microseconds: number
  /** At most so many. */
  readonly goal?: number
  readonly ratio: number
}

const LINKS = 8
const PROOFS = 300
const DECISIONS = 20_000
const TOPIC = 'crew.acme.example'

/** A sender whose name takes 4 bindings and whose authority 4 grants, all keys new. */
interface Sender {
  readonly identity: Identity
  readonly leaf: SignedStatement
  readonly anchors: AnchorSet
  readonly now: number
}

/** Measures a proof of 8 links: all of it new, its bindings known, and a decision that is kept. */
export async function benchProofs(
  scale: number,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  progress('signing proofs')
  const count = Math.max(20, Math.round(PROOFS * scale))
  const senders: Sender[] = []
  for (let index = 0; index < count; index++) senders.push(await senderOf(index + 1))
  progress('checking them')
  forgetKeys()
  // The first ones warm the code up.
  const [bare, cold, bound] = [[], [], []] as [number[], number[], number[]]
  for (const sender of senders) {
    bare.push(await timed(() => verifyOne(sender)))
    cold.push(await timed(() => believe(sender, new StatementStore())))
    const store = new StatementStore()
    await keep(sender.identity.statements.filter(isBinding), store)
    bound.push(await timed(() => believe(sender, store)))
  }
  const verification = median(bare)
  const kept = keptDecision(senders[0]!, Math.round(DECISIONS * scale))
  const figure = (what: string, microseconds: number, goal?: number): Figure => ({
    what,
    microseconds,
    ...(goal === undefined ? {} : { goal }),
    ratio: microseconds / verification,
  })
  return [
    figure('one bare Ed25519 verification, its key not cached', verification),
    figure(`cold proof of ${LINKS} links, no key cached`, median(cold), 2_000),
    figure(`the same with its bindings cached`, median(bound), 1_500),
    figure('cached decision', kept, 5),
  ]
}

/** Issuing has looked at the keys already, which a receiver has not: others take their places. */
function forgetKeys(): void {
  for (let key = 0; key < SOUND_KEYS_MAX; key++) noteSoundKey(nodeRandom(PUBLIC_KEY_BYTES))
}

async function senderOf(seed: number): Promise<Sender> {
  const world = new World(seed)
  const acme = world.organisation('acme.example')
  let identity = acme
  const line = [acme]
  for (const label of ['a', 'b', 'c', 'd']) {
    identity = await bindAnyhow(world, identity, `${label}.${identity.name}`)
    line.push(identity)
  }
  const grants: SignedStatement[] = []
  for (const [index, issuer] of line.slice(0, LINKS / 2).entries()) {
    const parent = grants.at(-1)?.id ?? null
    const grant = await grantAnyhow(world, issuer, {
      subject: line[index + 1]!.name,
      topics: [TOPIC],
      onBehalfOf: acme.name,
      mayDelegate: [parsePattern(`**.${acme.name}`)],
      parent,
    })
    grants.push(grant)
  }
  return {
    identity: withStatements(identity, ...grants),
    leaf: grants.at(-1)!,
    anchors: new AnchorSet([ownAnchor(acme)]),
    now: world.clock.now(),
  }
}

/** From envelopes to a verdict; every signature that the store does not know is checked. */
async function believe(sender: Sender, store: StatementStore): Promise<void> {
  const { identity } = sender
  const verifier = openNodeVerifier()
  const statements: SignedStatement[] = []
  for (const { envelope } of identity.statements) {
    statements.push(await store.add(envelope, { owner: 'peer', verifier, hash: nodeSha256 }))
  }
  decide(sender, statements)
}

function decide(sender: Sender, statements: readonly SignedStatement[]) {
  const { identity, leaf, anchors, now } = sender
  const bindings = statements.filter(isBinding)
  const grants = statements.filter(isGrant)
  const { name, signer } = identity
  checkName(
    { name, key: signer.publicKey, use: 'sign', purpose: 'send' },
    { bindings, anchors, now },
  )
  const question = { leaf: leaf.id, subject: name, subjectKey: signer.publicKey } as const
  return checkAuthority(
    {
      ...question,
      action: 'publish',
      topic: sender.identity.name.replace(/^.*acme/, 'crew.acme') as typeof name,
    },
    { bindings, grants, anchors, now },
  )
}

async function keep(statements: readonly SignedStatement[], store: StatementStore): Promise<void> {
  const verifier = openNodeVerifier()
  for (const { envelope } of statements) {
    await store.add(envelope, { owner: 'peer', verifier, hash: nodeSha256 })
  }
}

async function verifyOne({ leaf }: Sender): Promise<void> {
  const input = signingInput('grant', leaf.body)
  const holds = await openNodeVerifier().verify(leaf.statement.issuerKey, input, leaf.signature)
  if (!holds) throw new Error('The signature of a grant that was just issued does not hold')
}

/** A chain that was checked before, as the pipeline asks for it with each bundle. */
function keptDecision(sender: Sender, count: number): number {
  const chains = new ChainCache(
    () => false,
    () => 0,
  )
  const { identity, leaf, now } = sender
  const ask = () => {
    const key = `grant|${toHex(leaf.id)}|publish|${TOPIC}|${identity.name}|${toHex(identity.signer.publicKey)}`
    return chains.through(key, now, () => {
      const value = decide(sender, identity.statements)
      return { value, until: value.notAfter, rests: [] }
    })
  }
  ask()
  const start = performance.now()
  for (let index = 0; index < count; index++) ask()
  return ((performance.now() - start) * 1_000) / count
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await run()
  return (performance.now() - start) * 1_000
}

function median(sample: readonly number[]): number {
  return percentile(sample, 0.5)
}
