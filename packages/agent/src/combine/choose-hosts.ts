import type { Name } from '@ixj/names'
import { compareBytes, utf8Bytes, type Sha256 } from '@ixj/trust'

/** A connected host of an inbox. */
interface InboxHost {
  readonly greeted: { readonly name: Name }
  combines(topic: Name): boolean
}

/**
 * Those hosts of an inbox that a bundle of this node goes to: all of its readers, or one of its
 * combiners where there are some. Every node has an order of combiners of its own, so that senders
 * spread over them, and what one leaves goes to the next.
 */
export function chooseHosts<Host extends InboxHost>(
  hosts: readonly Host[],
  choice: {
    readonly topic: Name
    /** It is for readers alone. */
    readonly toReader: boolean
    /** The node that sends. */
    readonly node: Name
    readonly hash: Sha256
    /** How the inbox is open on this node. */
    readonly here: 'combiner' | 'inbox' | undefined
    /** Whether a host takes direct streams: a combiner is reached by them alone. */
    readonly takes: (host: Host) => boolean
  },
): readonly Host[] {
  const { topic, toReader, node, hash, here, takes } = choice
  const readers = hosts.filter((host) => !host.combines(topic))
  if (toReader || here === 'inbox') return readers
  // What a combiner on this very node takes in goes to nobody else, or it would count twice.
  if (here === 'combiner') return []
  const combiners = hosts.filter((host) => host.combines(topic) && takes(host))
  const [first, ...others] = combiners
  if (first === undefined) return readers
  if (others.length === 0) return [first]
  const rank = (host: Host) => hash(utf8Bytes(`${topic} ${node} ${host.greeted.name}`))
  const ranked = combiners.map((host) => ({ host, rank: rank(host) }))
  const nearest = ranked.reduce((best, each) =>
    compareBytes(each.rank, best.rank) < 0 ? each : best,
  )
  return [nearest.host]
}
