import type { Name } from '@ixj/names'
import { TrustError } from '@ixj/trust'
import { encodeSheaf, groupForSheaves, readSheaf } from '../bundles/sheaf.ts'
import type { Clock } from '../clock.ts'
import { SHEAF_WHOLE_MS } from '../limits.ts'
import type { Carrier } from '../pipeline/context.ts'
import type { Decision } from '../pipeline/decision.ts'
import { Refusal, VERDICTS } from '../pipeline/verdicts.ts'
import { TransportError, type Peer, type Transport, type Verdict } from '../transport.ts'
import type { Intake } from './intake.ts'
import { Slices } from './slices.ts'

/** What of a node sheaves are taken in with. */
export interface SheafIntakeContext {
  readonly clock: Clock
  readonly identity: { readonly name: Name }
  readonly transport: Pick<Transport, 'publish' | 'subscribers'>
  readonly intake: Pick<Intake, 'take' | 'load'>
  /** The name that a neighbour proved. */
  nameOf(peer: Peer): string
  /** A decision that is not about a bundle, as of now. */
  plain(about: 'state', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/**
 * Decides about each bundle of a sheaf as if it had come alone, and about the sheaf: it is passed on
 * as it is if every one of them was accepted, and blamed if one of them is. Otherwise those that were
 * accepted go on in a sheaf of our own: nobody stops a bundle by what he ties it to.
 */
export class SheafIntake {
  readonly #context: SheafIntakeContext
  readonly #slices: Slices

  constructor(context: SheafIntakeContext) {
    this.#context = context
    this.#slices = new Slices(context.clock)
  }

  /** Never throws: what is no sheaf is refused as a bundle would be. */
  async take(bytes: Uint8Array, carrier: Carrier): Promise<Verdict> {
    const arrival = { kind: 'state', priority: 0, bytes: bytes.length, from: carrier.from } as const
    try {
      return await this.#slices.take({
        enter: () => this.#context.intake.load.enter(arrival),
        work: () => this.#takeNow(bytes, carrier),
      })
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause
      this.#tellShed(carrier, cause)
      return VERDICTS[cause.code]
    }
  }

  #tellShed({ topic, from }: Carrier, cause: Refusal): void {
    const context = this.#context
    const sender = from === null ? '' : context.nameOf(from)
    context.record(context.plain('state', 'take', topic, sender, cause))
  }

  async #takeNow(bytes: Uint8Array, carrier: Carrier): Promise<Verdict> {
    const bundles = bundlesOf(bytes)
    const way = new SheafWay(this.#context, carrier)
    const taking = bundles.map(async (bundle) => {
      const decision = await this.#context.intake.take(bundle, carrier)
      if (decision.verdict === 'accept') way.accept(bundle)
      return decision.verdict
    })
    const verdicts = await Promise.all(taking)
    const isWhole = way.end(bundles.length)
    if (verdicts.includes('reject')) return 'reject'
    return isWhole ? 'accept' : 'ignore'
  }
}

/** How the accepted bundles of one sheaf go on. */
class SheafWay {
  readonly #context: SheafIntakeContext
  readonly #carrier: Carrier
  readonly #accepted: Uint8Array[] = []
  readonly #cancel: () => void
  #isApart = false

  constructor(context: SheafIntakeContext, carrier: Carrier) {
    this.#context = context
    this.#carrier = carrier
    const { clock } = context
    // One that waits for its proof does not hold up the others.
    this.#cancel = clock.at(clock.now() + SHEAF_WHOLE_MS, () => this.#takeApart())
  }

  accept(bundle: Uint8Array): void {
    this.#accepted.push(bundle)
    if (this.#isApart) this.#pass()
  }

  /** All have been decided about; whether the sheaf goes on as it is. */
  end(count: number): boolean {
    this.#cancel()
    if (!this.#isApart && this.#accepted.length === count) return true
    this.#takeApart()
    return false
  }

  #takeApart(): void {
    this.#isApart = true
    this.#pass()
  }

  #pass(): void {
    const accepted = this.#accepted.splice(0).map((bytes) => ({ bytes }))
    const { transport } = this.#context
    const { topic, from } = this.#carrier
    if (!transport.subscribers(topic).some((peer) => peer !== from)) return
    for (const some of groupForSheaves(accepted)) {
      const bundles = some.map(({ bytes }) => bytes)
      const [only] = bundles
      const bytes = only !== undefined && bundles.length === 1 ? only : encodeSheaf(bundles)
      transport.publish(topic, bytes).catch((cause: unknown) => {
        if (!(cause instanceof TransportError)) throw cause
        const { identity } = this.#context
        this.#context.record(this.#context.plain('state', 'pass on', topic, identity.name, cause))
      })
    }
  }
}

function bundlesOf(bytes: Uint8Array): readonly Uint8Array[] {
  try {
    return readSheaf(bytes)
  } catch (cause) {
    // An array of one is no bundle either: the pipeline refuses it, counts it and says so.
    if (cause instanceof TrustError || cause instanceof Refusal) return [bytes]
    throw cause
  }
}
