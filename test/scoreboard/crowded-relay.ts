import process from 'node:process'
import { Fleet, FLEET_CREW } from '../world/fleet.ts'
import { TownRelay } from '../world/relay-town.ts'

/** A relay in a process of its own; it tells where it is, and then, when asked, how it stands. */
export interface RelayTold {
  readonly url: string
  readonly name: string
  readonly meshAddress: string
  /** Before the first page comes. */
  readonly residentBytes: number
}

/** How it stands. */
export interface RelayStanding {
  readonly loggedIn: number
  /** Pages that get the crew's messages. */
  readonly following: number
  readonly residentBytes: number
}

const [seed = 0, now = 0, sockets = 0] = process.argv.slice(2).map(Number)
const fleet = new Fleet({ seed, now })
// All pages come from one address here.
const limits = {
  socketsMax: sockets,
  socketsPerAddressMax: sockets,
  enteringMax: sockets,
  upgradesPerSecond: sockets,
}
const relay = await TownRelay.open(fleet, 0, { limits: { ...limits, loginMs: 30_000 } })
const { url, name } = relay.address
const told: RelayTold = {
  url,
  name,
  meshAddress: relay.meshAddress,
  residentBytes: process.memoryUsage().rss,
}
process.send?.(told)
process.on('message', () => {
  const { rss: residentBytes } = process.memoryUsage()
  const loggedIn = relay.host.neighbours.length
  const following = relay.door.transport.subscribers(FLEET_CREW).length
  const standing: RelayStanding = { loggedIn, following, residentBytes }
  process.send?.(standing)
})
