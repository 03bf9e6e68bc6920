import { isReservedPool } from '@ixj/names'
import {
  checkName,
  equalBytes,
  makeStandpoint,
  sha256,
  StatementStore,
  type StatementStoreOptions,
  STORE_OWNER_STATEMENTS_MAX,
} from '@ixj/trust'
import { openUsedApprovals } from '../approvals/used-approvals.ts'
import { History } from '../history/history.ts'
import { memoryHistory } from '../history/memory-rows.ts'
import { HELLO_BINDINGS_MAX } from '../limits.ts'
import { Crossings } from '../neighbours/crossings.ts'
import { FollowedNames } from '../neighbours/followed-names.ts'
import { ProofBook, rootsOf } from '../neighbours/proof-book.ts'
import { ZoneKeyBook } from '../neighbours/zone-keys.ts'
import { NO_JOURNAL } from '../pipeline/replay-journal.ts'
import { Core } from './core.ts'
import type { HostOptions } from './host-options.ts'
import { provingStatements } from './identity.ts'
import { NoticeBook } from '../revoked/notice-book.ts'
import { PAGE_STATEMENTS_MAX, RELAY_NEIGHBOURS_MAX } from '../relay/limits.ts'
import type { Carrying } from '../relay/relaying.ts'
import { restoreNotices } from '../revoked/restored-notices.ts'
import { TrustState } from '../revoked/trust-state.ts'
import type { SecretsAbility } from '../sealing/group-sealing.ts'
import type { SharedAbility } from '../state/open-shared.ts'
import type { Transport } from '../transport.ts'
import type { AttestingAbility } from '../sync/sync-context.ts'
import { keepOwn } from './own-statements.ts'
import type { SheavesAbility } from './reception.ts'

/** Checks the node's own chain against its own anchors, and opens the core on it. */
export async function openCore(
  options: HostOptions,
  abilities: SecretsAbility &
    SharedAbility &
    SheavesAbility & {
      readonly carrying?: () => Promise<Carrying>
      history(): ReturnType<AttestingAbility['attesting']>
    },
): Promise<Core> {
  const hash = options.hash ?? sha256
  const statements = new StatementStore(storeLimits(options.transport))
  const zoneKeys = new ZoneKeyBook(options.zoneKeys, options.clock, hash)
  const followed = new FollowedNames(options.zoneKeys, zoneKeys, options.clock)
  const trust = new TrustState(options.anchors, hash)
  const { revocations } = trust
  const { verifier } = options
  const notices = new NoticeBook({
    clock: options.clock,
    verifier,
    hash,
    trust,
    published: (name) => zoneKeys.newest(name)?.keys ?? [],
    standpoint: () => crossings.standpoint,
    // The id does not cover the signature: a copy with junk for one must not be passed on as checked.
    isVerified: ({ idText, envelope }) => {
      const known = statements.get(idText)
      return known !== undefined && equalBytes(known.envelope, envelope)
    },
  })
  const own = await keepOwn(options.identity.statements, { statements, verifier, hash })
  statements.pin(own.map((signed) => signed.idText))
  const known = { ...options.identity, statements: own }
  const given = options.crossCertificates ?? []
  const crossing = await keepOwn(given, { statements, verifier, hash })
  statements.pin(crossing.map((signed) => signed.idText))
  const { successors } = trust
  const standpoint = { ...makeStandpoint(known.name, [...own, ...crossing]), successors }
  const crossings = new Crossings(standpoint, options.clock, zoneKeys)
  const proofs = new ProofBook(statements, hash, { zoneKeys, followed, crossings, revocations })
  const kept = await restoreNotices(notices, options)
  const proving = provingStatements(known, [])
  await followed.follow([...new Set([...rootsOf(proving, known), ...crossings.issuers])])
  const composed = proofs.compose(proving, known)
  const chain = checkName(
    { name: known.name, key: known.signer.publicKey, use: 'sign', purpose: 'connect' },
    {
      ...proofs.materialOf(composed),
      anchors: trust.anchors,
      now: options.clock.now(),
    },
  )
  // Others may have anchors above ours; where renewals have piled up, ours is the chain that holds.
  const many = proving.length > HELLO_BINDINGS_MAX
  const proof = many ? proofs.compose(chain.links, known) : composed
  const { store, clock } = options
  const usedApprovals = await openUsedApprovals(store, known.name, clock.now())
  const now = clock.now()
  const history = await History.open(options.history ?? memoryHistory(), { hash, now })
  const journal = options.journal ?? NO_JOURNAL
  // A crash leaves the journal whole, a power cut the history.
  const taken = [...history.places(), ...(await journal.load(now))]
  const hasPages = options.transport.isPage !== undefined
  const carrying = hasPages ? await abilities.carrying?.() : undefined
  const openShared = (await abilities.state?.())?.openShared
  const lasting = {
    history,
    journal,
    taken,
    carrying,
    openShared,
    sealing: () => abilities.sealing(),
    sheaves: () => abilities.sheaves(),
    attesting: () => abilities.history(),
  }
  const told = { statements, proofs, zoneKeys, followed, usedApprovals, trust, notices, kept }
  const books = { ...told, ...lasting }
  const core = new Core({ ...options, identity: known }, proof, chain, books)
  // What was handed over before a restart may not have come: whoever hosts it is offered it again.
  for (const topic of history.sentInboxes()) {
    if (!isReservedPool(topic)) core.neighbours.seek(topic)
  }
  return core
}

/** A relay has a neighbour for each page, and pages bring the statements of their own agents alone. */
function storeLimits(transport: Transport): StatementStoreOptions {
  if (transport.isPage === undefined) return {}
  return {
    ownersMax: RELAY_NEIGHBOURS_MAX,
    ownerStatementsMax: (owner) =>
      transport.isPage?.(owner) === true ? PAGE_STATEMENTS_MAX : STORE_OWNER_STATEMENTS_MAX,
  }
}
