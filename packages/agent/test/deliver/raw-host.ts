import type { Agent, Channel } from '@ixj/agent'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { encodeAcknowledgement } from '../../src/deliver/acknowledgement.ts'
import { toInbox, Town } from '../town.ts'

export const RAW = 'raw.acme.example'

/** One direct stream to a raw host, as it saw it. */
export interface Stream {
  readonly channel: Channel
  readonly bundles: Uint8Array[]
}

/** A raw host of its own inbox, and an agent on n1 that writes to it. */
export interface RawHost extends AsyncDisposable {
  readonly town: Town
  readonly raw: RawNode
  readonly agent: Agent
  readonly streams: Stream[]
}

/** The host takes direct streams, and does nothing by itself but note what comes on them. */
export async function openRawHost(options: { readonly reads?: boolean } = {}): Promise<RawHost> {
  // One ms a hop, so that a test can say when something arrives.
  const town = await Town.open(2, { latencyMs: [1, 1] })
  const agent = await town.agent('a', 1, { grants: [toInbox('**.acme.example')] })
  const identity = await town.world.bind(town.acme, RAW)
  const raw = new RawNode(town.world, town.acme, identity)
  const streams: Stream[] = []
  raw.direct = (channel) => {
    const stream: Stream = { channel, bundles: [] }
    streams.push(stream)
    if (options.reads !== false) note(stream).catch(() => 'it broke')
  }
  await raw.meet('n1.acme.example')
  await raw.openInbox('n1.acme.example')
  return { town, raw, agent, streams, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

async function note({ channel, bundles }: Stream): Promise<void> {
  for await (const frame of channel.frames()) bundles.push(frame)
}

/** Acknowledges all up to this place. */
export async function acknowledge(
  { channel }: Stream,
  through: number,
  refused: readonly { readonly place: number; readonly code: string }[] = [],
): Promise<void> {
  await channel.send(encodeAcknowledgement({ through, refused }))
}
