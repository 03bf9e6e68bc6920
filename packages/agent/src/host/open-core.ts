import { checkName, makeStandpoint, sha256, StatementStore } from '@ixj/trust'
import { openUsedApprovals } from '../approvals/used-approvals.ts'
import { HELLO_BINDINGS_MAX } from '../limits.ts'
import { Crossings } from '../neighbours/crossings.ts'
import { FollowedNames } from '../neighbours/followed-names.ts'
import { ProofBook, rootsOf } from '../neighbours/proof-book.ts'
import { ZoneKeyBook } from '../neighbours/zone-keys.ts'
import { Core } from './core.ts'
import type { HostOptions } from './host-options.ts'
import { provingStatements } from './identity.ts'
import { addOwn } from './own-statements.ts'

/** Checks the node's own chain against its own anchors, and opens the core on it. */
export async function openCore(options: HostOptions): Promise<Core> {
  const hash = options.hash ?? sha256
  const statements = new StatementStore()
  const zoneKeys = new ZoneKeyBook(options.zoneKeys, options.clock, hash)
  const followed = new FollowedNames(options.zoneKeys, zoneKeys, options.clock)
  const { verifier } = options
  const kept = await addOwn(options.identity.statements, { statements, verifier, hash })
  statements.pin(kept.map((signed) => signed.idText))
  const known = { ...options.identity, statements: kept }
  const given = options.crossCertificates ?? []
  const crossing = await addOwn(given, { statements, verifier, hash })
  statements.pin(crossing.map((signed) => signed.idText))
  const standpoint = makeStandpoint(known.name, [...kept, ...crossing])
  const crossings = new Crossings(standpoint, options.clock, zoneKeys)
  const proofs = new ProofBook(statements, hash, { zoneKeys, followed, crossings })
  const proving = provingStatements(known, [])
  await followed.follow([...new Set([...rootsOf(proving, known), ...crossings.issuers])])
  const composed = proofs.compose(proving, known)
  const chain = checkName(
    { name: known.name, key: known.signer.publicKey, use: 'sign', purpose: 'connect' },
    {
      ...proofs.materialOf(composed),
      anchors: options.anchors,
      now: options.clock.now(),
    },
  )
  // Others may have anchors above ours; where renewals have piled up, ours is the chain that holds.
  const many = proving.length > HELLO_BINDINGS_MAX
  const proof = many ? proofs.compose(chain.links, known) : composed
  const { store, clock } = options
  const usedApprovals = await openUsedApprovals(store, known.name, clock.now())
  const books = { statements, proofs, zoneKeys, followed, usedApprovals }
  return new Core({ ...options, identity: known }, proof, chain, books)
}
