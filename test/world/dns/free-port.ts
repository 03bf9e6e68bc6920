import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the ports that Linux gives to clients, so that no client of a parallel test takes one.
const FIRST = 12_000
const LAST = 31_999
const TRIES_MAX = 50

/** A port of 127.0.0.1 that was free a moment ago, over UDP and over TCP. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(FIRST, LAST + 1)
    if (await isFree(port)) return port
  }
  throw new Error(`Cannot find a free port: ${TRIES_MAX} were taken`)
}

async function isFree(port: number): Promise<boolean> {
  const stream = createServer()
  const packets = createSocket('udp4')
  try {
    stream.listen(port, '127.0.0.1')
    await once(stream, 'listening')
    packets.bind(port, '127.0.0.1')
    await once(packets, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  } finally {
    stream.close()
    packets.close()
  }
}
