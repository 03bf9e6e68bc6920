import { explanationOf } from '@ixj/agent'
import type { Decision } from '@ixj/agent'
import { isBelow, isName, type Name } from '@ixj/names'
import type { Node } from '@ixj/node'
import { ROBOTS } from './names.ts'

/** What a node decided about a bundle of a robot that was revoked somewhere. */
export interface Judged {
  readonly event: 'let-in' | 'refused'
  readonly name: Name
  /** Id of the bundle in hex; null where none was read. */
  readonly id: string | null
}

/** Robots that were revoked and speak all the same, as one node counts what it refuses of them. */
export class Refusals {
  readonly #counts = new Map<Name, number>()
  readonly #suspects = new Set<Name>()

  /** Counts for as long as the node is open. */
  constructor(
    node: Node,
    options: { readonly hear: (judged: Judged) => void; readonly failed: (cause: unknown) => void },
  ) {
    this.#follow(node.decisions(), options.hear).catch(options.failed)
  }

  /** `[name, code, count]` of each, as it is shared on the floor. */
  get value(): [string, string, number][] {
    return [...this.#counts].map(([name, count]) => [name, 'revoked', count])
  }

  /** From now on what is let in of this robot is told too. */
  suspect(name: Name): void {
    this.#suspects.add(name)
  }

  async #follow(decisions: AsyncIterable<Decision>, hear: (judged: Judged) => void): Promise<void> {
    for await (const decision of decisions) {
      const { about, code, id } = decision
      if (about !== 'bundle' || (code !== null && code !== 'revoked')) continue
      if (code === null && this.#suspects.size === 0) continue
      const { sender } = explanationOf(decision)
      if (!isName(sender) || !isBelow(sender, ROBOTS)) continue
      if (code === null) {
        if (this.#suspects.has(sender)) hear({ event: 'let-in', name: sender, id })
        continue
      }
      this.#counts.set(sender, (this.#counts.get(sender) ?? 0) + 1)
      hear({ event: 'refused', name: sender, id })
    }
  }
}
