import type { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { GATHERED_BYTES_MAX } from './limits.ts'

/** The parts of a TCP connection of libp2p (11.0.28, pinned) through which it writes. */
interface SocketConnection {
  readonly socket: Pick<Socket, 'cork' | 'uncork' | 'writableLength'>
  sendData(data: unknown): unknown
  sendReset(): void
}

/**
 * Hands all pieces of what is sent in one go to the system at once: what follows from one packet that
 * came, or from one timer, until nothing is left to do. By itself libp2p writes the two bytes of a
 * frame's length, the frame and its tag apart, and each frame by itself, an answer and the
 * acknowledgement of what it answers: each a call and a packet, by which the receiver is woken again.
 */
export function gatherWrites(stream: MessageStream): void {
  const connection = stream as unknown as Partial<SocketConnection>
  const { socket, sendData, sendReset } = connection
  // What is no TCP connection has frames of its own.
  if (socket === undefined || !('cork' in socket)) return
  if (sendData === undefined || sendReset === undefined) return
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    socket.uncork()
  }
  connection.sendData = (data) => {
    if (!isCorked) {
      isCorked = true
      socket.cork()
      // After all promises that follow from what is running.
      process.nextTick(uncork)
    }
    const sent = sendData.call(connection, data)
    // Much need not wait for more: the receiver works meanwhile.
    if (socket.writableLength > GATHERED_BYTES_MAX) {
      socket.uncork()
      socket.cork()
    }
    return sent
  }
  // What was said before a connection is broken off was said, as if each piece had gone by itself.
  connection.sendReset = () => {
    socket.uncork()
    sendReset.call(connection)
  }
}
