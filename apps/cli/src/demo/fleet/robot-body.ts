import { type Cell, GATE, isIn, isSameCell, neighboursOf, route } from './floor-plan.ts'

/** Metres a second: a person's pace. */
const SPEED = 1.5
/** A cell is claimed this long before it is entered, so that everybody has heard of it. */
export const CLAIM_MS = 300
/** Whoever stands in the way for so long is gone around. */
const DETOUR_MS = 1_500
/** A robot that was not heard of for so long may be anywhere near. */
export const STALE_MS = 1_000
/** How far from the last place of such a robot others stay, in metres. */
const STALE_DISTANCE = 2

/** What a robot does, as it tells it. */
export type Doing = 'idle' | 'drives' | 'carries' | 'waits' | 'stopped'

/** Something to be fetched and brought. */
export interface Job {
  readonly number: number
  readonly from: Cell
  readonly to: Cell
}

/** Another robot, as its pose tells it. */
export interface OtherRobot {
  readonly name: string
  readonly x: number
  readonly y: number
  /** The cell that it enters or is about to; null: it stands. */
  readonly claim: Cell | null
  /** ms, at most. */
  readonly ageMs: number
}

/** What a robot sees of the floor at a moment. */
export interface Surroundings {
  readonly now: number
  readonly others: readonly OtherRobot[]
  readonly isGateOpen: boolean
}

/**
 * One robot on the floor, without any I/O: it goes from cell to cell, claims the next one before it
 * enters it, gives way to whoever claimed first, and keeps its distance from who is not heard of.
 */
export class RobotBody {
  readonly name: string
  x: number
  y: number
  heading = 0
  #cell: Cell
  #job: Job | undefined
  #isLoaded = false
  #isStopped = false
  #way: readonly Cell[] = []
  #claim: { readonly cell: Cell; readonly since: number } | undefined
  #waitsSince: number | undefined
  /** How much longer than others it waits: those that wait for each other must not move as one. */
  #patienceMs: number
  #lastStep: number | undefined

  constructor(name: string, start: Cell) {
    this.name = name
    this.#cell = start
    this.#patienceMs = (Number.parseInt(name.slice(1), 10) * 270) % 900
    this.x = start.column + 0.5
    this.y = start.row + 0.5
  }

  /** What it fetches or brings now. */
  get job(): Job | undefined {
    return this.#job
  }

  /** The cell that it enters or is about to. */
  get claim(): Cell | null {
    return this.#claim?.cell ?? null
  }

  /** Where it is going. */
  get goal(): Cell | null {
    if (this.#job === undefined) return null
    return this.#isLoaded ? this.#job.to : this.#job.from
  }

  get doing(): Doing {
    if (this.#isStopped) return 'stopped'
    if (this.#job === undefined) return 'idle'
    if (this.#waitsSince !== undefined) return 'waits'
    return this.#isLoaded ? 'carries' : 'drives'
  }

  /** Takes a job; whether it could. */
  assign(job: Job): boolean {
    if (this.#job !== undefined || this.#isStopped) return false
    this.#job = job
    this.#isLoaded = false
    this.#way = []
    return true
  }

  /** Stands still at once, until it is told to go on. */
  stop(): void {
    this.#isStopped = true
  }

  /** Goes on. */
  goOn(): void {
    this.#isStopped = false
  }

  /** Metres to a cell as the crow flies: what a bid says. */
  distanceTo({ column, row }: Cell): number {
    return Math.hypot(column + 0.5 - this.x, row + 0.5 - this.y)
  }

  /** Moves as far as time has passed; gives the job that was finished by it. */
  step(around: Surroundings): Job | undefined {
    const elapsed = Math.min(500, around.now - (this.#lastStep ?? around.now))
    this.#lastStep = around.now
    const { goal } = this
    if (this.#isStopped || goal === null) {
      this.#waitsSince = undefined
      return undefined
    }
    if (this.#claim === undefined && this.#isThere(goal, around)) return this.#arrive()
    this.#claimNext(goal, around)
    if (this.#claim === undefined) return this.#wait(around)
    if (around.now - this.#claim.since < CLAIM_MS) return undefined
    if (!this.#mayEnter(this.#claim.cell, around)) return this.#wait(around)
    this.#waitsSince = undefined
    this.#moveTo(this.#claim.cell, (SPEED * elapsed) / 1_000)
    return undefined
  }

  /** At the goal; beside it is as good, where somebody stands on it. */
  #isThere(goal: Cell, around: Surroundings): boolean {
    if (isSameCell(this.#cell, goal)) return true
    const steps = Math.abs(goal.column - this.#cell.column) + Math.abs(goal.row - this.#cell.row)
    return steps === 1 && !this.#mayEnter(goal, around)
  }

  #arrive(): Job | undefined {
    const job = this.#job
    this.#way = []
    if (!this.#isLoaded) {
      this.#isLoaded = true
      return undefined
    }
    this.#job = undefined
    this.#isLoaded = false
    return job
  }

  #claimNext(goal: Cell, around: Surroundings): void {
    if (this.#claim !== undefined) return
    const isGateShut = (cell: Cell) => !around.isGateOpen && isIn(cell, GATE)
    if (this.#way.length === 0 || this.#way.some(isGateShut)) {
      this.#way = route(this.#cell, goal, isGateShut) ?? []
    }
    const [next] = this.#way
    if (next === undefined || !this.#mayEnter(next, around)) return
    this.#claim = { cell: next, since: around.now }
  }

  #wait(around: Surroundings): undefined {
    this.#waitsSince ??= around.now
    if (around.now - this.#waitsSince < DETOUR_MS + this.#patienceMs) return
    this.#waitsSince = around.now
    this.#patienceMs = (this.#patienceMs * 7 + 130) % 900
    if (this.#claim !== undefined && !this.#isOn(this.#cell)) {
      // Half way into a cell that is not free after all: back to where it came from.
      this.#way = []
      this.#claim = { cell: this.#cell, since: around.now }
      return
    }
    this.#claim = undefined
    const goal = this.goal!
    const isTaken = (cell: Cell) =>
      (!around.isGateOpen && isIn(cell, GATE)) || !this.#mayEnter(cell, around)
    const detour = route(this.#cell, goal, isTaken)
    // Shut in by others: a step aside lets one of them pass.
    const aside = neighboursOf(this.#cell).filter((cell) => !isTaken(cell))
    this.#way = detour ?? aside.slice(this.#patienceMs % Math.max(1, aside.length)).slice(0, 1)
  }

  /** Nobody is in it, nobody with an earlier name claims it, and nobody near it is unheard of. */
  #mayEnter(cell: Cell, { others }: Surroundings): boolean {
    const [x, y] = [cell.column + 0.5, cell.row + 0.5]
    return others.every((other) => {
      const distance = Math.hypot(other.x - x, other.y - y)
      if (other.ageMs > STALE_MS) return distance > STALE_DISTANCE
      if (distance < 0.8) return false
      return other.claim === null || !isSameCell(other.claim, cell) || this.name < other.name
    })
  }

  #moveTo(cell: Cell, metres: number): void {
    const [dx, dy] = [cell.column + 0.5 - this.x, cell.row + 0.5 - this.y]
    const left = Math.hypot(dx, dy)
    if (left > 0.001) this.heading = Math.round((Math.atan2(dy, dx) * 180) / Math.PI)
    const share = left <= metres ? 1 : metres / left
    this.x += dx * share
    this.y += dy * share
    if (share < 1) return
    this.#way = isSameCell(this.#way[0] ?? cell, cell) ? this.#way.slice(1) : []
    this.#cell = cell
    this.#claim = undefined
  }

  #isOn(cell: Cell): boolean {
    return Math.hypot(this.x - cell.column - 0.5, this.y - cell.row - 0.5) < 0.05
  }
}
