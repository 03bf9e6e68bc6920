import type { Name } from '@ixj/names'
import type { Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import type { Peer, Transport } from '../transport.ts'
import type { Exchange } from './exchange.ts'
import type { RightFrame, ToldFrame } from './frames.ts'
import type { Greeted, HelloContext } from './hello.ts'
import type { OpenTopic } from './open-topic.ts'
import type { ProofBook } from './proof-book.ts'

/** What went on with a neighbour that its node may want to explain. */
export type NeighbourEvent =
  | { readonly kind: 'admitted'; readonly peer: Peer; readonly greeted: Greeted }
  | { readonly kind: 'hello-refused'; readonly peer: Peer; readonly cause: unknown }
  | {
      readonly kind: 'right-refused'
      readonly peer: Peer
      readonly right: RightFrame
      readonly cause: unknown
    }
  | { readonly kind: 'fault'; readonly peer: Peer; readonly cause: unknown }
  | { readonly kind: 'gone'; readonly peer: Peer; readonly greeted: Greeted | undefined }
  | { readonly kind: 'route'; readonly topic: Name; readonly peer: Peer }

/** What the neighbours of a node are kept with. */
export interface NeighboursContext {
  readonly transport: Transport
  readonly clock: Clock
  readonly hash: Sha256
  readonly hello: HelloContext
  readonly proofs: ProofBook
  readonly trust: TrustState
  /** A neighbour was admitted: it is told of revocations. */
  greeted(neighbour: Exchange): void
  /** What a neighbour tells of revocations, or of who is there. @throws TrustError, Refusal */
  told(neighbour: Exchange, frame: ToldFrame): Promise<void>
  readonly open: ReadonlyMap<Name, OpenTopic>
  /** An inbox is sought that was not before. */
  sought(topic: Name): void
  /** It is sought no longer. */
  forgone(topic: Name): void
  readonly keep: HelloContext['keep']
  report(event: NeighbourEvent): void
}
