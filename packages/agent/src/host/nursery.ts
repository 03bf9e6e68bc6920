import { checkSender, isBinding, type ProofStatements, type SignedStatement } from '@ixj/trust'
import { Agent } from '../patterns/agent.ts'
import type { Born, BornChild } from '../patterns/births.ts'
import { provingStatements } from './identity.ts'
import { Lineage } from './lineage.ts'
import { FoldedPapers, type Papers } from './papers.ts'
import { Residence, type ChildPlace, type House } from './residence.ts'
import { SpawnedInbox } from './spawned-inbox.ts'

/** Where one agent's children are opened, on its own node. */
export class Nursery implements ChildPlace {
  readonly #parent: Papers
  readonly #house: House
  /** By the ids of what stands above: children with grants of one kind share it. */
  readonly #lineages = new Map<string, Lineage>()

  constructor(parent: Papers, house: House) {
    this.#parent = parent
    this.#house = house
  }

  /**
   * Opens children that were just made, all or none.
   * @throws TrustError if their chain does not hold here; AgentError `open-already`
   */
  async bear(born: Born): Promise<readonly Agent[]> {
    const lineage = await this.#lineage(born)
    const opened: Agent[] = []
    try {
      const material = this.#material()
      for (const [index, child] of born.children.entries()) {
        const statements = born.statements[index]!
        this.#checkChain(child, statements, material)
        const papers = new FoldedPapers(child, statements, { core: this.#house.core, lineage })
        opened.push(await this.#open(papers, born.until))
      }
      return opened
    } catch (cause) {
      for (const agent of opened) await agent[Symbol.asyncDispose]()
      throw cause
    } finally {
      lineage.release()
    }
  }

  async #open(papers: FoldedPapers, until: number): Promise<Agent> {
    const { core, agents } = this.#house
    try {
      const inbox = new SpawnedInbox(papers, until, core)
      const own = { papers, inbox, epoch: this.#house.nextEpoch(), taskRecords: null }
      const closing = () => this.#closed(papers, until)
      const agent = new Agent(new Residence(this.#house, own, closing))
      await agent.openInbox()
      agents.set(agent, until)
      return agent
    } catch (cause) {
      papers.release()
      throw cause
    }
  }

  /** A child whose chain does not even hold at home would be refused everywhere. */
  #checkChain(
    { name, signer }: BornChild,
    statements: readonly SignedStatement[],
    material: ProofStatements,
  ): void {
    const { trust, clock } = this.#house.core
    const bindings = [...material.bindings, ...statements.filter(isBinding)]
    checkSender(
      { name, key: signer.publicKey, purpose: 'send' },
      { ...material, bindings, anchors: trust.anchors, now: clock.now() },
    )
  }

  async #lineage({ above }: Born): Promise<Lineage> {
    const key = above.map(({ idText }) => idText).join()
    const known = this.#lineages.get(key)
    if (known !== undefined) return known.hold()
    const ended = () => {
      if (this.#lineages.get(key) === lineage) this.#lineages.delete(key)
    }
    const { core } = this.#house
    const lineage: Lineage = await Lineage.open(this.#parent.identity, above, { core, ended })
    this.#lineages.set(key, lineage)
    return lineage
  }

  /** What proves the parent here and now. */
  #material(): ProofStatements {
    const { proofs } = this.#house.core
    const { identity } = this.#parent
    return proofs.materialOf(proofs.compose(provingStatements(identity, []), identity))
  }

  #closed(papers: FoldedPapers, until: number): void {
    const { name, signer } = papers
    papers.release()
    const { issuedNames } = this.#house.core
    void issuedNames.ceased(name)
    issuedNames.closed({ name, key: signer.publicKey, until }, () => this.#parent.identity)
  }
}
