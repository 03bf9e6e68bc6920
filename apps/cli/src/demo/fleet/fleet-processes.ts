import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type ChildProcess, startChild } from '../child-process.ts'
import type { FleetTold } from './fleet-role.ts'
import { fleetHome } from './fleet-setup.ts'
import { RELAYS } from './names.ts'

/** One of the two relays of a fleet. */
export interface FleetRelay {
  readonly name: string
  readonly role: string
  readonly port: number
  readonly mesh: string
}

/** What processes of a fleet are started with. */
interface FleetProcessesOptions {
  /** The program that runs now, and how. */
  readonly program: readonly string[]
  /** The folder of the whole fleet. */
  readonly fleet: string
  /** The page's files. */
  readonly site: string
  readonly relays: readonly FleetRelay[]
  /** What a process that is no relay tells. */
  readonly hear: (role: string, told: FleetTold) => void
  /** A process ended by itself. */
  readonly fail: (cause: Error) => void
}

/** The processes of a fleet; they end together, since a relay waits for its pages. */
export class FleetProcesses implements AsyncDisposable {
  readonly #options: FleetProcessesOptions
  readonly #relays: ChildProcess[] = []
  readonly #roles: ChildProcess[] = []

  constructor(options: FleetProcessesOptions) {
    this.#options = options
  }

  /** How many were started. */
  get count(): number {
    return this.#relays.length + this.#roles.length
  }

  /** Starts a relay, and waits until it is open. */
  async startRelay(relay: FleetRelay): Promise<void> {
    const { relays, fail } = this.#options
    const connect = relays.filter((each) => each.port < relay.port).map(({ mesh }) => mesh)
    const words = relayWords({ ...this.#options, relay, connect })
    const ready = Promise.withResolvers<void>()
    const hear = (line: string) => {
      if (line.includes('node opened')) ready.resolve()
    }
    this.#relays.push(startChild(words, { label: relay.role, hear, fail }))
    await ready.promise
  }

  /** Starts a process of another role, and gives where it can be dialled. */
  async startRole(role: string, addresses: readonly string[]): Promise<readonly string[]> {
    const { program, fleet, fail } = this.#options
    const connect = addresses.flatMap((address) => ['--connect', address])
    const words = [...program, 'demo', 'fleet', '--role', role, '--home', fleet, ...connect]
    const ready = Promise.withResolvers<readonly string[]>()
    const hear = (line: string) => {
      const told = JSON.parse(line) as FleetTold
      if (told.event === 'ready') ready.resolve(told.addresses)
      this.#options.hear(role, told)
    }
    this.#roles.push(startChild(words, { label: role, hear, fail }))
    return await ready.promise
  }

  /** Names a robot that was revoked to all but the relays, whose program reads no names. */
  tell(name: string): void {
    for (const child of this.#roles) child.write(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#relays, ...this.#roles]
    await Promise.all(all.map((child) => child[Symbol.asyncDispose]()))
  }
}

/** The relays, with ports that are free now; the page is at the first one's: this, or with 0 a free one. */
export async function describeRelays(port: number): Promise<readonly FleetRelay[]> {
  const ports = [port === 0 ? await freePort() : port, await freePort()]
  return await Promise.all(
    RELAYS.map(async (name, index) => ({
      name,
      role: name.split('.')[0]!,
      port: ports[index]!,
      mesh: `/ip4/127.0.0.1/tcp/${await freePort()}`,
    })),
  )
}

/** The relay's own program, from the same checkout. */
const RELAY_PROGRAM = fileURLToPath(new URL('../../../../relay/src/main.ts', import.meta.url))

function relayWords(
  of: FleetProcessesOptions & { readonly relay: FleetRelay; readonly connect: readonly string[] },
): readonly string[] {
  const { program, fleet, site, relay, relays, connect } = of
  const others = relays.filter((each) => each !== relay)
  return [
    ...program.slice(0, -1),
    RELAY_PROGRAM,
    '--name',
    relay.name,
    '--home',
    fleetHome(fleet, relay.role),
    '--listen-port',
    String(relay.port),
    '--mesh-listen',
    relay.mesh,
    '--page-folder',
    site,
    ...others.flatMap(({ port }) => ['--page-connect', `ws://127.0.0.1:${port}`]),
    ...others.flatMap(({ port }) => ['--origins', `http://127.0.0.1:${port}`]),
    ...connect.flatMap((address) => ['--mesh-connect', address]),
  ]
}

/** A port of loopback that nobody has now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
