import process from 'node:process'
import type { DoorLimits } from '../../packages/node/src/door/limits.ts'
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

const [, , seed, now, limits = '{}', addresses] = process.argv
const fleet = new Fleet({ seed: Number(seed), now: Number(now) })
const relay = await TownRelay.open(fleet, 0, {
  limits: JSON.parse(limits) as Partial<DoorLimits>,
  // On loopback all have one address: here each path may stand for one.
  ...(addresses === 'paths' ? { addressOf: ({ url: path = '' }) => `address ${path}` } : {}),
})
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
