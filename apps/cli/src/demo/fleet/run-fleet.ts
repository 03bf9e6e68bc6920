import { formatInvitation, makeInvitation } from '@ixj/agent/invitations'
import { nodeRandom, openHome, systemClock } from '@ixj/node'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { awaitClaim, openInviting, rootOf } from '../../invite.ts'
import { openSession } from '../../session.ts'
import { aborted } from '../addresses.ts'
import { fleetHome, OFFICE, PERSON, setUpFleet } from './fleet-setup.ts'
import { describeRelays, FleetProcesses, type FleetRelay } from './fleet-processes.ts'
import { ACME, GARAGES, RELAYS, ROBOT_COUNT, SAM, THIEF_ROLE } from './names.ts'
import { type Theft, TheftReport } from './theft-report.ts'

/** Processes that take part on the floor. */
const FLOOR_ROLES = ['dispatch', ...GARAGES] as const
/** How long the link can be used. */
const LINK_MS = 60 * 60_000

/** What happens to a fleet, for whoever looks on. */
export type FleetEvent =
  | { readonly event: 'ready'; readonly robots: number; readonly processes: number }
  | { readonly event: 'link'; readonly name: string; readonly link: string }
  | { readonly event: 'joined'; readonly name: string }
  | Theft

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
  await setUpFleet(fleet)
  const relays = await describeRelays(options.port)
  const site = join(fleet, 'site')
  await cp(options.page, site, { recursive: true })
  const listed = relays.map(({ name, port }) => ({ url: `ws://127.0.0.1:${port}/ixj`, name }))
  await writeFile(join(site, 'relays.json'), JSON.stringify(listed))
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => 'whoever waits below is told')
  const thefts = new TheftReport({
    clock: systemClock,
    roles: FLOOR_ROLES,
    revoked: (name) => processes.tell(name),
    hear,
  })
  const processes = opened.use(
    new FleetProcesses({
      program: options.program,
      fleet,
      site,
      relays,
      hear: (role, told) => thefts.take(role, told),
      fail: failure.reject,
    }),
  )
  const work = async (): Promise<void> => {
    for (const relay of relays) await processes.startRelay(relay)
    const meshes = relays.map(({ mesh }) => mesh)
    const starting = FLOOR_ROLES.map((role) => processes.startRole(role, meshes))
    const others = (await Promise.all(starting)).flat()
    // It dials everybody, so that each of them has to refuse it by itself.
    await processes.startRole(THIEF_ROLE, [...meshes, ...others])
    hear({ event: 'ready', robots: ROBOT_COUNT, processes: processes.count })
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
  await using session = await openSession(home, { as: ACME, connect: [relay.mesh] })
  const by = { name: ACME, home, host: session.node.host }
  const inviting = openInviting(invitation, by, { ...PERSON, uses: PERSON.uses ?? 'sign' })
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
