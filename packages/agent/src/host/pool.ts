import { childName, poolLabel, type Name } from '@ixj/names'
import { checkSender, toHex } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { inboxOf, type OpenTopic } from '../neighbours/open-topic.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Agent } from '../patterns/agent.ts'
import { issueAll } from '../patterns/births.ts'
import type { GrantRequest } from '../patterns/grant-issue.ts'
import { provingStatements, type Identity } from './identity.ts'
import { Lineage } from './lineage.ts'
import { openPapers } from './papers.ts'
import { Residence, type House } from './residence.ts'

/** How a pool is opened. */
export interface PoolOptions {
  /** How long its key is bound; its agents may be gone in milliseconds. */
  readonly lifetimeSeconds: number
  /** What its agents may do, all of them. */
  readonly grants?: readonly GrantRequest[]
  /** Who binds the pool, with a key that may bind: the node itself, which is the default, or a name above it. */
  readonly by?: Identity
}

/** Bytes of chance in the name of an agent that was given none. */
const LABEL_BYTES = 10

/**
 * The pool of a node: one key, bound once, for agents without end. Nobody outside can tell one of
 * them from another, nor need they: each is some agent that this node vouches for. They send, ask
 * and answer, and do nothing else.
 */
export class Pool implements AsyncDisposable {
  /** `pool.<node name>`: the zone of its agents. */
  readonly name: Name
  readonly #house: House
  readonly #identity: Identity
  readonly #until: number
  readonly #release: () => void
  readonly #agents = new Set<Agent>()
  /** Its agents' proofs are all the same. */
  readonly #proofs = new Map<string, KnownProof>()
  readonly #nodeProof: KnownProof
  #closed = false

  private constructor(
    house: House,
    identity: Identity,
    { until, release }: { readonly until: number; readonly release: () => void },
  ) {
    const { proofs, identity: node } = house.core
    this.name = identity.name
    this.#house = house
    this.#identity = identity
    this.#until = until
    this.#release = release
    this.#nodeProof = proofs.compose(provingStatements(node, []), node)
  }

  /**
   * Makes the pool's key, has it bound, and gives it its grants.
   * @throws TrustError `uses`, `depth-exceeded` (who binds it may not), `wider-than-parent`,
   * `not-granted`; AgentError `argument`
   */
  static async open(house: House, options: PoolOptions): Promise<Pool> {
    const { core } = house
    const { by = core.identity, ...wishes } = options
    const name = childName(core.identity.name, poolLabel)
    const signer = await core.generateKey()
    const child = { name, key: signer.publicKey }
    const issued = await issueAll(by, [child], wishes, core)
    const { above, until } = issued
    const own = issued.statements.flat()
    const lineage = await Lineage.open(by, above, { core, ended: () => {} })
    core.statements.pinOwn(own)
    const release = () => {
      core.statements.unpin(own.map(({ idText }) => idText))
      lineage.release()
      core.issuedNames.closed({ ...child, until }, () => by)
    }
    const statements = [...lineage.above, ...own]
    const identity = { name, signer, opening: undefined, statements }
    try {
      checkOwn({ ...identity, name: childName(name, ANY) }, core)
      return new Pool(house, identity, { until, release })
    } catch (cause) {
      release()
      throw cause
    }
  }

  /** Whether agents of it can be opened. */
  get isOpen(): boolean {
    return !this.#closed
  }

  /**
   * Opens an agent of the pool; without a label its name is chance. Nothing is signed for it, and
   * neighbours are told nothing.
   * @throws AgentError `closed`, `open-already`; NameError
   */
  async agent(label: string = toHex(this.#house.core.random(LABEL_BYTES))): Promise<Agent> {
    if (this.#closed) throw new AgentError('closed', `Cannot use ${this.name}: it is closed`)
    const name = childName(this.name, label)
    const identity = { ...this.#identity, name }
    const own = {
      papers: { ...openPapers(identity, null), proofs: this.#proofs },
      inbox: this.#inbox(name),
      epoch: this.#house.nextEpoch(),
      taskRecords: null,
    }
    const residence = new Residence(this.#house, own, () => void this.#agents.delete(agent))
    const agent: Agent = new Agent(residence)
    await agent.openInbox()
    this.#agents.add(agent)
    this.#house.agents.set(agent, this.#until)
    return agent
  }

  /** Closes its agents; its key is void from then on. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const agent of this.#agents) await agent[Symbol.asyncDispose]()
    this.#release()
  }

  #inbox(name: Name): OpenTopic {
    const by = { carrier: this.#house.core.identity.name, host: null, proof: this.#nodeProof }
    return { ...inboxOf(name, by), until: this.#until, isImplied: true }
  }
}

/** The label of any agent of a pool, where one of them stands for all. */
const ANY = 'any'

/** A pool whose chain does not even hold at home would be refused everywhere. */
function checkOwn(agent: Identity, { proofs, trust, clock }: House['core']): void {
  const known = proofs.compose(provingStatements(agent, []), agent)
  checkSender(
    { name: agent.name, key: agent.signer.publicKey, purpose: 'send' },
    { ...proofs.materialOf(known), anchors: trust.anchors, now: clock.now() },
  )
}
