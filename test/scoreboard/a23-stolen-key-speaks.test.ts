import { makeNotice, type Identity, type Told } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { issueStatement, issueSuccessor, TrustError, type SignedStatement } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { provingStatements } from '../../packages/agent/src/host/identity.ts'
import { bindAnyhow } from '../world/made-statement.ts'
import { statusNotice } from '../world/made-status.ts'
import { trustBooks } from '../world/trust-books.ts'
import { ownAnchor, World } from '../world/world.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

interface Cast {
  readonly world: World
  readonly acme: Identity
  /** Has the stolen key; may bind, and has a sibling. */
  readonly thief: Identity
  readonly sibling: Identity
}

/** What a notice says for now and an hour. */
function baseOf({ world }: Cast) {
  const notBefore = world.clock.now()
  return { notBefore, notAfter: notBefore + 3_600_000, nonce: world.bytes(16) }
}

async function revokes(cast: Cast, of: Identity, victim: Identity) {
  const { thief } = cast
  const target = { kind: 'key', name: victim.name, key: victim.signer.publicKey } as const
  const fields = {
    ...baseOf(cast),
    kind: 'revocation',
    issuer: thief.name,
    of: of.name,
    target,
  } as const
  return await issueStatement(fields, thief.signer, nodeSha256)
}

async function succeeds(cast: Cast, name: Identity, old: Identity) {
  const { world } = cast
  const signer = world.key()
  const fields = {
    ...baseOf(cast),
    kind: 'successor',
    issuer: name.name,
    name: name.name,
    newKey: signer.publicKey,
    next: null,
  } as const
  return await issueSuccessor(fields, { old: old.signer, new: signer }, nodeSha256)
}

/** Everything that a thief may try; each is refused when it is made, or when it is taken in. */
const TRIES: readonly (readonly [string, (cast: Cast) => Promise<Told>])[] = [
  ['a sibling revoked in its name', (cast) => revokes(cast, cast.sibling, cast.sibling)],
  ['a sibling revoked in the root’s name', (cast) => revokes(cast, cast.acme, cast.sibling)],
  ['the root revoked', (cast) => revokes(cast, cast.acme, cast.acme)],
  ['a sibling revoked by the thief’s right', (cast) => revokes(cast, cast.thief, cast.sibling)],
  [
    'another key of its own name revoked',
    async (cast) => {
      const renewed = { ...cast.thief, signer: cast.world.key() }
      return await revokes(cast, cast.thief, renewed)
    },
  ],
  ['a successor of the root, by the thief', (cast) => succeeds(cast, cast.acme, cast.thief)],
  ['a successor of the root, by its stolen key', (cast) => succeeds(cast, cast.acme, cast.acme)],
  ['a successor of its own name', (cast) => succeeds(cast, cast.thief, cast.thief)],
  [
    'a status of the root',
    async ({ world, acme, thief }) => {
      const as = { ...acme, signer: thief.signer }
      return (await statusNotice(world, as)).told
    },
  ],
  [
    'a status for the root',
    async ({ world, acme, thief }) => {
      return (await statusNotice(world, thief, { of: acme.name })).told
    },
  ],
]

describe('A23: a stolen key', () => {
  it(
    'that revokes siblings, names successors or speaks for the root changes nothing',
    async () => {
      let tried = 0
      let unchanged = 0
      const rounds = scaled(1_000)
      for (let round = 0; round < rounds; round++) {
        const world = new World(SEED + round)
        const acme = world.organisation('acme.example')
        const thief = await bindAnyhow(world, acme, 'thief.acme.example')
        const sibling = await bindAnyhow(world, acme, 'sibling.acme.example')
        const cast = { world, acme, thief, sibling }
        const anchor = { ...ownAnchor(acme), next: nodeSha256(world.key().publicKey) }
        for (const [, attempt] of TRIES) {
          const { trust, notices } = trustBooks([anchor], world)
          tried += 1
          try {
            const told = await attempt(cast)
            const proving: readonly SignedStatement[] = provingStatements(thief, [])
            await notices.take(makeNotice(told, proving).bytes, null)
          } catch (cause) {
            if (!(cause instanceof TrustError)) throw cause
          }
          const [key] = trust.anchors.get(acme.name)!.keys
          const same = trust.generation === 0 && trust.revocations.size === 0
          unchanged += same && key!.every((byte, at) => byte === acme.signer.publicKey[at]) ? 1 : 0
        }
      }
      expect(
        report({
          id: 'A23',
          what: `${TRIES.length} kinds of statements by a stolen key`,
          count: unchanged,
          of: tried,
          counted: 'change nothing',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
