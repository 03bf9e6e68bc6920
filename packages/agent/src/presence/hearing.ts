import type { Name } from '@ixj/names'
import {
  checkName,
  findFreshness,
  requireFresh,
  SKEW_MS,
  statementsOfChain,
  toHex,
  TrustError,
  type PublishedKey,
  type Verifier,
} from '@ixj/trust'
import { holds } from '../bundles/signed-body.ts'
import type { Clock } from '../clock.ts'
import { PROOF_WAIT_MS } from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import {
  checkMember,
  mayAnswer,
  type MemberRight,
  sealingKeyOf,
  type ProvenNode,
} from '../neighbours/right.ts'
import { ChainCache } from '../pipeline/chain-cache.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import type { Grounds } from '../pipeline/grounds.ts'
import type { Peer } from '../transport.ts'
import type { Announcement, PresentMember } from './announcement.ts'
import { watchRight } from '../revoked/watched-right.ts'
import { PRESENCE_FETCHES_MAX, PRESENCE_NODES_MAX, PRESENCE_PER_SECOND } from './limits.ts'
import type { HeardMember, Roster } from './roster.ts'

/** What announcements are checked with. */
export interface HearingContext {
  readonly clock: Clock
  readonly verifier: Verifier
  readonly trust: TrustState
  /** The node's own. */
  readonly organisation: Name
  readonly proofs: ProofBook
  neighbour(peer: Peer | null): Exchange | undefined
  /** Whether newer records of the DNS take a key back. */
  isOutvoted(key: PublishedKey): boolean
}

/** Checks what other nodes announce about one topic, and enters what holds into its roster. */
export class Hearing {
  readonly #roster: Roster
  readonly #context: HearingContext
  /** Nodes, by their carriers, whose announcement is being checked. */
  readonly #busy = new Set<string>()
  /** How often each of them may still be heard. */
  readonly #budgets = new Map<string, Budget>()
  /** Members' rights that held, each until it ends. */
  readonly #rights: ChainCache

  constructor(roster: Roster, context: HearingContext) {
    this.#roster = roster
    this.#context = context
    this.#rights = new ChainCache(
      (key) => context.isOutvoted(key),
      () => context.trust.generation,
    )
  }

  /** Hears an announcement about this topic. @throws Refusal, TrustError */
  async hear(announcement: Announcement, from: Peer | null): Promise<void> {
    const { signer, signerKey, time } = announcement.signed
    this.#checkTime(time)
    const about = announcement.members === null ? 'heads' : 'members'
    if (!this.#roster.isNews(signerKey, time, about)) {
      throw new Refusal('duplicate', `Cannot hear presence of ${signer} twice`)
    }
    // By who carries it too: junk in a node's name must not keep out what others carry of it.
    const key = `${from ?? ''} ${toHex(signerKey)}`
    if (this.#busy.has(key) || !this.#mayHear(key)) {
      throw new Refusal('rate', `Cannot hear presence of ${signer} again in this moment`)
    }
    this.#busy.add(key)
    try {
      await this.#hearNode(announcement, from)
    } finally {
      this.#busy.delete(key)
    }
  }

  async #hearNode(announcement: Announcement, from: Peer | null): Promise<void> {
    const { signer, signerKey, time } = announcement.signed
    const node = { name: signer, key: signerKey }
    await this.#checkNode(announcement, from)
    const { members: claimed } = announcement
    if ((claimed === null || claimed.length === 0) && !this.#roster.hasNode(node.name)) {
      throw new TrustError(
        'not-granted',
        `Cannot hear presence of ${signer}: it never had a member`,
      )
    }
    if (claimed === null) return this.#roster.toldHeads(node, time)
    const { topic } = announcement
    const { members, unchecked } = await this.#findMembers(topic, claimed, node, from)
    if (claimed.length > 0 && members.length === 0) {
      throw new TrustError(
        'not-granted',
        `Cannot hear presence of ${signer}: no member of its holds`,
      )
    }
    // Proofs may have taken time; a newer announcement is not overwritten by this one.
    if (!this.#roster.isNews(signerKey, time)) {
      throw new Refusal('duplicate', `Cannot hear presence of ${signer}: a newer one came`)
    }
    this.#roster.announce(node, { members, unchecked }, { time, now: this.#context.clock.now() })
  }

  #checkTime(time: number): void {
    const ahead = time - this.#context.clock.now()
    if (ahead > SKEW_MS) throw new Refusal('future', `Cannot hear presence from ${ahead} ms ahead`)
    if (ahead < -SKEW_MS) throw new Refusal('lifespan', `Cannot hear presence of ${-ahead} ms ago`)
  }

  async #checkNode(announcement: Announcement, from: Peer | null): Promise<void> {
    const { signed, proof } = announcement
    const material = await this.#material(proof, from, signed.body.length)
    const { trust, clock, verifier, organisation } = this.#context
    const now = clock.now()
    const chain = checkName(
      { name: signed.signer, key: signed.signerKey, use: 'sign', purpose: 'connect' },
      { ...material, anchors: trust.anchors, now },
    )
    const { statuses } = trust
    // Who is here is state: within one's own organisation it goes on.
    const use = { isOwn: chain.organisation === organisation, isState: true, now }
    const tried = `Cannot hear presence of ${signed.signer}`
    requireFresh(findFreshness({ names: [chain] }, { statuses, now }), use, tried)
    if (!(await holds(signed, verifier))) {
      throw new TrustError(
        'bad-signature',
        `Cannot hear presence: it is not by ${signed.signer}'s key`,
      )
    }
  }

  /** 20 a second of one node from one neighbour: each may cost a signature. */
  #mayHear(key: string): boolean {
    const now = this.#context.clock.now()
    let budget = this.#budgets.get(key)
    if (budget === undefined) {
      const oldest = this.#budgets.keys().next()
      if (this.#budgets.size >= PRESENCE_NODES_MAX && oldest.done !== true) {
        this.#budgets.delete(oldest.value)
      }
      budget = new Budget(PRESENCE_PER_SECOND, now)
      this.#budgets.set(key, budget)
    }
    return budget.take(1, now)
  }

  /** Few proofs are fetched at once, all within one proof's time; the next announcement tells again. */
  async #findMembers(
    topic: Name,
    members: readonly PresentMember[],
    node: ProvenNode,
    from: Peer | null,
  ): Promise<Parameters<Roster['announce']>[1]> {
    const { clock } = this.#context
    const deadline = clock.now() + PROOF_WAIT_MS
    const found: HeardMember[] = []
    let index = 0
    for (; index < members.length && clock.now() < deadline; index += PRESENCE_FETCHES_MAX) {
      const some = members.slice(index, index + PRESENCE_FETCHES_MAX)
      const checked = await Promise.all(
        some.map((member) => this.#checkMember(topic, member, node, from)),
      )
      found.push(...checked.filter((entry) => entry !== undefined))
    }
    const unchecked = members
      .slice(index)
      .map((member) => ({ name: member.agent, key: member.agentKey }))
    return { members: found, unchecked }
  }

  async #checkMember(
    topic: Name,
    member: PresentMember,
    node: ProvenNode,
    from: Peer | null,
  ): Promise<HeardMember | undefined> {
    try {
      const material = await this.#material(member.proof, from, 0)
      const { trust, clock } = this.#context
      const now = clock.now()
      const check = () =>
        checkMember({ ...member, topic }, node, { material, anchors: trust.anchors, now })
      const right = this.#rights.through(rightKey(topic, member, node), now, () => {
        const found = check()
        return { value: found, ...found }
      })
      this.#keep(member, right)
      const { agent, agentKey, since, proof } = member
      const answers = mayAnswer({ ...member, topic })
      const place = { of: 'member', topic, node: node.name, right } as const
      const grounds = (): Grounds => ({ ...place, at: clock.now() })
      const known = { name: agent, key: agentKey, node: node.name, since, answers, proof, grounds }
      const encryptionKey = sealingKeyOf(agent, [right.chain])?.key ?? null
      const watched = watchRight(right, check, this.#context)
      const stillHolds = () => watched.holds()
      return { member: known, until: right.until, encryptionKey, holds: stillHolds }
    } catch (cause) {
      // One member that does not hold here must not hide the others of its node.
      if (cause instanceof TrustError || cause instanceof Refusal) return undefined
      throw cause
    }
  }

  /** Else a neighbour that tells of a thousand would have each push the others out, again and again. */
  #keep({ proof }: PresentMember, { chain, subscribe, until }: MemberRight): void {
    const issuers = subscribe?.issuers.flatMap((issuer) => statementsOfChain(issuer)) ?? []
    const used = [...statementsOfChain(chain), ...(subscribe?.chain ?? []), ...issuers]
    this.#context.proofs.keepUsed(toHex(proof), used, until)
  }

  async #material(id: Uint8Array, from: Peer | null, bytes: number) {
    const idText = toHex(id)
    const known = this.#context.proofs.material(idText)
    if (known !== undefined) return known
    await this.#context.neighbour(from)?.waitForProof(id, { bytes })
    const found = this.#context.proofs.material(idText)
    if (found === undefined) throw new Refusal('proof-missing', `Cannot complete proof ${idText}`)
    return found
  }
}

function rightKey(topic: Name, member: PresentMember, node: ProvenNode): string {
  const { agent, agentKey, proof, subscribe, answer, host } = member
  const ids = [agentKey, proof, subscribe, answer, host, node.key]
  return [topic, agent, node.name, ...ids.map((id) => (id === null ? '' : toHex(id)))].join('|')
}
