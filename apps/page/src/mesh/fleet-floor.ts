import type { Register } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { isName } from '@ixj/names'

/** A rectangle of the floor, in metres. */
export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** What its dispatcher says of the floor. */
export interface Floor {
  readonly width: number
  readonly height: number
  readonly racks: readonly Rectangle[]
  /** The gate that only a person may have opened. */
  readonly gate: Rectangle | null
  readonly isGateOpen: boolean
}

/** A robot as the page sees it: what it said of itself, and how old that is. */
export interface Robot {
  readonly name: string
  readonly x: number
  readonly y: number
  /** Degrees, 0 to the right. */
  readonly heading: number
  /** What it does: `idle`, `drives`, `carries`, `waits`, `stopped`. */
  readonly doing: string
  readonly goal: { readonly x: number; readonly y: number } | null
  /** ms, at most. */
  readonly age: number
  readonly isStale: boolean
}

/** What one on the floor says that its node refused of a robot. */
export interface ToldRefusal {
  /** Who says so, as its signature proved; that it is true was not. */
  readonly by: string
  readonly name: string
  readonly code: string
  readonly count: number
}

/** What the registers of a group say of a warehouse; forms that are none are passed over and counted. */
export interface FloorState {
  readonly floor: Floor | null
  readonly robots: readonly Robot[]
  readonly refusals: readonly ToldRefusal[]
  /** Registers of these names that could not be read, and plans by whoever has none to tell. */
  readonly unread: number
}

/**
 * Reads a floor out of shared state: `floor` `[width, height, racks, gate, open]` of its dispatcher,
 * `pose` `[x, y, heading, doing, goal]` of each robot, `refused` `[[name, code, count], …]` of anybody.
 * That the sender is who it says was proved; that it speaks sense was not. Whoever may publish in a
 * group sets registers of any name there, so a plan counts from a dispatcher of one of these groups
 * alone: `dispatch.` beside it, as `dispatch.acme.example` is of `floor.acme.example`.
 */
export function readFloor(registers: readonly Register[], groups: readonly Name[]): FloorState {
  const dispatchers = new Set<string>(groups.map((group) => dispatcherOf(group)))
  let floor: Floor | null = null
  let unread = 0
  const robots: Robot[] = []
  const refusals: ToldRefusal[] = []
  for (const register of registers) {
    if (register.register === 'floor') {
      const isEntitled = dispatchers.has(register.sender)
      const read = isEntitled ? readFloorValue(register.value) : undefined
      if (read === undefined) unread += 1
      else floor = read
    }
    if (register.register === 'pose') {
      const read = readRobot(register)
      if (read === undefined) unread += 1
      else robots.push(read)
    }
    if (register.register === 'refused') {
      const read = readRefusals(register)
      if (read === undefined) unread += 1
      else refusals.push(...read)
    }
  }
  return { floor, robots, refusals, unread }
}

function dispatcherOf(group: Name): string {
  return `dispatch${group.slice(group.indexOf('.'))}`
}

function readFloorValue(value: unknown): Floor | undefined {
  if (!Array.isArray(value)) return undefined
  const [width, height, racks, gate, isGateOpen] = value as readonly unknown[]
  if (!isLength(width) || !isLength(height) || !Array.isArray(racks)) return undefined
  return {
    width,
    height,
    racks: racks.slice(0, RACKS_MAX).flatMap((rack) => readRectangle(rack) ?? []),
    gate: readRectangle(gate) ?? null,
    isGateOpen: isGateOpen === true,
  }
}

function readRobot({ sender, value, age, isStale }: Register): Robot | undefined {
  if (!Array.isArray(value)) return undefined
  const [x, y, heading, doing, goal] = value as readonly unknown[]
  if (!isPlace(x) || !isPlace(y) || !isNumber(heading) || typeof doing !== 'string')
    return undefined
  const [goalX, goalY] = Array.isArray(goal) ? (goal as readonly unknown[]) : []
  return {
    name: sender,
    x,
    y,
    heading,
    doing: doing.slice(0, 24),
    goal: isPlace(goalX) && isPlace(goalY) ? { x: goalX, y: goalY } : null,
    age: age[1],
    isStale,
  }
}

function readRefusals({ sender, value }: Register): readonly ToldRefusal[] | undefined {
  if (!Array.isArray(value)) return undefined
  const refusals: ToldRefusal[] = []
  for (const each of (value as readonly unknown[]).slice(0, REFUSALS_MAX)) {
    const [name, code, count] = Array.isArray(each) ? (each as readonly unknown[]) : []
    if (typeof name !== 'string' || !isName(name) || typeof code !== 'string') return undefined
    if (!isNumber(count) || !Number.isSafeInteger(count) || count < 0) return undefined
    refusals.push({ by: sender, name, code: code.slice(0, 24), count })
  }
  return refusals
}

function readRectangle(value: unknown): Rectangle | undefined {
  if (!Array.isArray(value)) return undefined
  const [x, y, width, height] = value as readonly unknown[]
  if (!isPlace(x) || !isPlace(y) || !isLength(width) || !isLength(height)) return undefined
  return { x, y, width, height }
}

/** Robots of which one tells that it refuses them. */
const REFUSALS_MAX = 16
/** Racks that are drawn of one floor. */
const RACKS_MAX = 64
/** The largest floor that is drawn, in metres. */
const METRES_MAX = 1_000

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isPlace(value: unknown): value is number {
  return isNumber(value) && Math.abs(value) <= METRES_MAX
}

function isLength(value: unknown): value is number {
  return isPlace(value) && value > 0
}
