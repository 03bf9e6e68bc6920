import { parseName } from '@ixj/names'

export const ACME = parseName('acme.example')
/** The group of all that move, and of those who look on. */
export const FLOOR_GROUP = parseName('floor.acme.example')
/** The inbox to which robots report what they have done. */
export const REPORTS = parseName('reports.acme.example')
/** Under it stand the robots: it binds their keys. */
export const ROBOTS = parseName('robots.acme.example')
/** Gives out the work. */
export const DISPATCH = parseName('dispatch.acme.example')
/** Opens for whom a person lets it. */
export const GATE_AGENT = parseName('gate.acme.example')
/** The person in the page. */
export const SAM = parseName('sam.acme.example')
/** The two relays. */
export const RELAYS = [parseName('relay1.acme.example'), parseName('relay2.acme.example')] as const

/** Robots of the floor. */
export const ROBOT_COUNT = 6
/** Processes that they run in. */
export const GARAGES = ['garage1', 'garage2'] as const

/** The process that copies keys. */
export const THIEF_ROLE = 'thief'

/** A robot's name, from 1. */
export function robotName(number: number) {
  return parseName(`r${number}.${ROBOTS}`)
}

/** The node of a process. */
export function fleetNode(role: string) {
  return parseName(`${role}.nodes.${ACME}`)
}

/** The robots of a process. */
export function robotsOf(garage: string): readonly number[] {
  const index = GARAGES.findIndex((each) => each === garage)
  return Array.from({ length: ROBOT_COUNT }, (_, robot) => robot + 1).filter(
    (number) => number % GARAGES.length === index,
  )
}
