import type { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'

/** The parts of a TCP connection of libp2p (11.0.28, pinned) through which it writes. */
interface SocketConnection {
  readonly socket: Pick<Socket, 'cork' | 'uncork'>
  sendData(data: unknown): unknown
}

/**
 * Hands all pieces of what is sent to the system at once. By itself libp2p writes the two bytes of a
 * frame's length, the frame and its tag apart: each a call and a packet, by which the receiver is
 * woken again.
 */
export function gatherWrites(stream: MessageStream): void {
  const connection = stream as unknown as Partial<SocketConnection>
  const { socket, sendData } = connection
  // What is no TCP connection has frames of its own.
  if (socket === undefined || sendData === undefined || !('cork' in socket)) return
  connection.sendData = (data) => {
    socket.cork()
    try {
      return sendData.call(connection, data)
    } finally {
      socket.uncork()
    }
  }
}
