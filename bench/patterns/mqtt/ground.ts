import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ground } from '../ground.ts'
import { hasProgram, startServer } from '../server.ts'

const PROGRAM = 'mosquitto'
const LISTENS_MS = 5_000

/**
 * As mosquitto.conf(5) has it for brokers that are to lose nothing: a slow reader's messages are
 * kept without end, any number may be under way, and small packets are not held back.
 */
const CONFIGURATION = [
  'allow_anonymous true',
  'persistence false',
  'max_queued_messages 0',
  'max_inflight_messages 0',
  'set_tcp_nodelay true',
  'log_dest none',
]

/** What is missing for it here, if anything. */
export function missingMosquitto(): string | undefined {
  return hasProgram(PROGRAM, '-h') ? undefined : `${PROGRAM} is not installed (npm run test:setup)`
}

/** A mosquitto on a free port of loopback. @throws Error if it does not listen within 5 s */
export async function openMosquitto(): Promise<Ground> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-mqtt-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const configuration = join(folder, 'mosquitto.conf')
  const lines = [`listener ${port} 127.0.0.1`, ...CONFIGURATION, '']
  await writeFile(configuration, lines.join('\n'))
  const server = opening.use(await startServer(PROGRAM, ['-c', configuration]))
  await listens(port)
  const opened = opening.move()
  return {
    settings: { port: String(port) },
    pids: [server.pid],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Mosquitto cannot choose a port by itself. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function listens(port: number): Promise<void> {
  const until = performance.now() + LISTENS_MS
  while (performance.now() < until) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw cause
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`${PROGRAM} did not listen on port ${port} within ${LISTENS_MS} ms`)
}
