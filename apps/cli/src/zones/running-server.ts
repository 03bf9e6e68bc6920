import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { DnsError } from '@ixj/dns'
import type { Name } from '@ixj/names'
import type { Output } from '../output.ts'
import { type Place, placeText } from './zone-arguments.ts'

/** Where is told that a command waits. */
export interface Telling {
  readonly output: Output
}

/** How long a command waits for a server that was started just before it. */
const SERVER_WAIT_MS = 10_000
/** Nobody wonders before this time what the command is doing. */
const QUIET_MS = 1_000
const TRY_MS = 1_000
const PAUSE_MS = 50

/**
 * Waits until somebody listens where a zone of this home is served: whoever starts the server in
 * the background and goes on need not know how long it takes to start.
 * @throws DnsError `unreachable`, with the command that starts it
 */
export async function untilServed(zone: Name, server: Place, { output }: Telling): Promise<void> {
  const begun = Date.now()
  let isTold = false
  while (!(await listens(server))) {
    const waited = Date.now() - begun
    if (waited >= SERVER_WAIT_MS) {
      const reason = `nobody listens at ${placeText(server)}; run: ixj zone serve`
      throw new DnsError('unreachable', `Cannot reach the server of ${zone}: ${reason}`)
    }
    if (waited >= QUIET_MS && !isTold) {
      isTold = true
      const text = `waiting for the server of ${zone} at ${placeText(server)}`
      output.note({ note: 'waiting', zone, address: server.address, port: server.port }, text)
    }
    await pause(PAUSE_MS)
  }
}

async function listens({ address, port }: Place): Promise<boolean> {
  const socket = connect(port, address)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TRY_MS) })
    return true
  } catch (cause) {
    // Refused, or silent: both mean that there is nobody yet.
    if (cause instanceof Error) return false
    throw cause
  } finally {
    socket.destroy()
  }
}
