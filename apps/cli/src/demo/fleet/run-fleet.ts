import { formatInvitation, makeInvitation } from '@ixj/agent/invitations'
import { nodeRandom, openHome, systemClock } from '@ixj/node'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { awaitClaim, openInviting, rootOf } from '../../invite.ts'
import { openSession } from '../../session.ts'
import { aborted } from '../addresses.ts'
import { type ChildProcess, startChild } from '../child-process.ts'
import { fleetHome, OFFICE, PERSON, setUpFleet } from './fleet-setup.ts'
import { ACME, GARAGES, RELAYS, ROBOT_COUNT, SAM } from './names.ts'

/** How long the link can be used. */
const LINK_MS = 60 * 60_000

/** What happens to a fleet, for whoever looks on. */
export type FleetEvent =
  | { readonly event: 'ready'; readonly robots: number; readonly processes: number }
  | { readonly event: 'link'; readonly name: string; readonly link: string }
  | { readonly event: 'joined'; readonly name: string }

/** What a fleet is run with. */
export interface FleetOptions {
  /** The program that runs now, and how. */
  readonly program: readonly string[]
  /** The built page. */
  readonly page: string
  /** Where the page is; 0: a free port. */
  readonly port: number
  readonly signal: AbortSignal
  readonly hear: (event: FleetEvent) => void
}

/** One of the two relays of a fleet. */
interface FleetRelay {
  readonly name: string
  readonly role: string
  readonly port: number
  readonly mesh: string
}

/**
 * Runs a warehouse until the signal: two relays, a dispatcher and its robots, each process with a home
 * of its own, and a link with which one browser joins as a person.
 * @throws CommandError `failed` if a process ends
 */
export async function runFleet(options: FleetOptions): Promise<void> {
  const { signal, hear } = options
  await using opened = new AsyncDisposableStack()
  const fleet = await mkdtemp(join(tmpdir(), 'ixj-fleet-'))
  opened.defer(() => rm(fleet, { recursive: true, force: true }))
  const children: ChildProcess[] = []
  // All at once: a relay waits for its pages, the others need not wait for it.
  opened.defer(async () => {
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
  })
  await setUpFleet(fleet)
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => 'whoever waits below is told')
  const relays = await describeRelays(options.port)
  const site = join(fleet, 'site')
  await cp(options.page, site, { recursive: true })
  const listed = relays.map(({ name, port }) => ({ url: `ws://127.0.0.1:${port}/ixj`, name }))
  await writeFile(join(site, 'relays.json'), JSON.stringify(listed))
  const start = (label: string, words: readonly string[], readyMark: string): Promise<void> => {
    const ready = Promise.withResolvers<void>()
    const hearLine = (line: string) => {
      if (line.includes(readyMark)) ready.resolve()
    }
    children.push(startChild(words, { label, hear: hearLine, fail: failure.reject }))
    return ready.promise
  }
  const work = async (): Promise<void> => {
    for (const relay of relays) {
      const connect = relays.filter((each) => each.port < relay.port).map(({ mesh }) => mesh)
      await start(
        relay.role,
        relayWords(options.program, { fleet, site, relay, relays, connect }),
        'node opened',
      )
    }
    const connect = relays.flatMap(({ mesh }) => ['--connect', mesh])
    const roles = ['dispatch', ...GARAGES]
    const started = roles.map((role) => {
      const words = ['demo', 'fleet', '--role', role, '--home', fleet, ...connect]
      return start(role, [...options.program, ...words], '"event":"ready"')
    })
    await Promise.all(started)
    hear({ event: 'ready', robots: ROBOT_COUNT, processes: relays.length + roles.length })
    await invite(fleet, relays[0]!, options)
    await aborted(signal)
  }
  await Promise.race([work(), failure.promise, aborted(signal)])
}

/** Binds the name of the person to the key of whoever uses the link first. */
async function invite(fleet: string, relay: FleetRelay, options: FleetOptions): Promise<void> {
  const { signal, hear } = options
  const home = await openHome(fleetHome(fleet, OFFICE))
  const inviter = await home.readIdentity(ACME)
  const now = systemClock.now()
  const notAfter = now + LINK_MS
  const fields = { name: SAM, root: rootOf(inviter), relay: RELAYS[0], notAfter }
  const invitation = makeInvitation(fields, { random: nodeRandom, now })
  const inviting = openInviting(invitation, inviter, { ...PERSON, uses: PERSON.uses ?? 'sign' })
  await using session = await openSession(home, { as: ACME, connect: [relay.mesh] })
  await awaitClaim(inviting, {
    agent: session.agent,
    relay: RELAYS[0],
    signal,
    opened: () => {
      const link = formatInvitation(invitation, `http://127.0.0.1:${relay.port}/`)
      hear({ event: 'link', name: SAM, link })
    },
    refused: () => {},
  })
  hear({ event: 'joined', name: SAM })
}

async function describeRelays(port: number): Promise<readonly FleetRelay[]> {
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
  program: readonly string[],
  of: {
    readonly fleet: string
    readonly site: string
    readonly relay: FleetRelay
    readonly relays: readonly FleetRelay[]
    readonly connect: readonly string[]
  },
): readonly string[] {
  const { fleet, site, relay, relays, connect } = of
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
