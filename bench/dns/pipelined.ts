import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

/**
 * Sends messages over one TCP connection, that many under way at once, and hands each answer on;
 * answers may come in any order (RFC 7766 section 6.2.1.1).
 */
export async function sendPipelined(
  port: number,
  messages: readonly Uint8Array[],
  options: { readonly window: number; readonly take: (answer: Uint8Array) => void },
): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  let sent = 0
  let taken = 0
  const fill = () => {
    while (sent < messages.length && sent - taken < options.window) write(socket, messages[sent++]!)
  }
  const done = new Promise<void>((resolve, reject) => {
    let rest: Buffer = Buffer.alloc(0)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`The server hung up after ${taken} answers`)))
    socket.on('data', (part: Buffer) => {
      rest = rest.length === 0 ? part : Buffer.concat([rest, part])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0)
        options.take(rest.subarray(2, end))
        rest = rest.subarray(end)
        taken += 1
      }
      if (taken === messages.length) resolve()
      else fill()
    })
  })
  fill()
  await done
  socket.removeAllListeners('close')
  socket.destroy()
}

function write(socket: Socket, message: Uint8Array): void {
  socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]))
}
