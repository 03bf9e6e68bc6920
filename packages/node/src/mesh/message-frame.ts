import { RPC } from '@libp2p/gossipsub/message'

/**
 * An RPC with this one message, as gossipsub frames it: after its length as an unsigned varint. In
 * pieces, of which the message's data is one, so that no copy of it is made.
 */
export function frameOfMessage(message: RPC.Message): readonly Uint8Array[] {
  const { data = new Uint8Array(), ...rest } = message
  // Fields of protobuf may stand in any order; these stand in that of their numbers.
  const tail = RPC.Message.encode(rest)
  const head = [DATA_TAG, ...varint(data.length)]
  const inner = [MESSAGE_TAG, ...varint(head.length + data.length + tail.length), ...head]
  const length = varint(inner.length + data.length + tail.length)
  return [Uint8Array.from([...length, ...inner]), data, tail]
}

/** Field 2 of an RPC, its messages: a part with a length. */
const MESSAGE_TAG = 0x12
/** Field 2 of a message, its data. */
const DATA_TAG = 0x12

function varint(value: number): readonly number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}
