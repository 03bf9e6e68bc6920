import { join } from 'node:path'
import { freePort } from '../../../test/world/dns/free-port.ts'
import { type ProgramBench, type RunningProgram, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

/** A home that keeps one zone, served by a process of its own. */
export interface ServedHome {
  readonly home: string
  readonly zone: string
  readonly port: number
  readonly server: RunningProgram
  readonly ixj: ReturnType<typeof commandsOf>
}

/** Makes a zone in a new home and serves it, as one does who follows the help. */
export async function serveHome(bench: ProgramBench, zone: string): Promise<ServedHome> {
  const home = join(bench.folder, zone)
  const ixj = commandsOf(home)
  const port = await freePort()
  await ixj.done('zone', 'init', zone, '--listen', `127.0.0.1:${port}`)
  const server = bench.start(['--home', home, 'zone', 'serve', '--json'])
  // On a busy machine it may take longer to start than a command waits for it.
  await eventOf(server, 'listening')
  return { home, zone, port, server, ixj }
}

/** The first event of a kind that a server has told. */
export async function eventOf(server: RunningProgram, kind: string) {
  return records(await server.line('stdout', `"event":"${kind}"`))[0] ?? {}
}
