import type { Register } from '@ixj/agent'
import type { Cell } from './floor-plan.ts'
import type { OtherRobot, RobotBody } from './robot-body.ts'

/** The register in which a robot tells where it is. */
export const POSE = 'pose'
/** The register in which the dispatcher tells of the floor. */
export const FLOOR_REGISTER = 'floor'

/** The register in which those on the floor tell what they refused: `[[name, code, count], …]`. */
export const REFUSED_REGISTER = 'refused'

/** `[x, y, heading, doing, goal, claim]`: metres, degrees, `[x, y]` or null. */
export function poseOf(body: RobotBody): (number | string | number[] | null)[] {
  const { x, y, heading, doing, goal, claim } = body
  return [round(x), round(y), heading, doing, middleOf(goal), middleOf(claim)]
}

/** Other robots of the floor, from their registers; what is no pose is nobody. */
export function othersIn(registers: readonly Register[], self: string): readonly OtherRobot[] {
  return registers
    .filter(({ sender, register }) => register === POSE && sender !== self)
    .flatMap(({ sender, value, age }) => {
      const [x, y, , , , claim] = Array.isArray(value) ? (value as readonly unknown[]) : []
      if (typeof x !== 'number' || typeof y !== 'number') return []
      return [{ name: sender, x, y, claim: cellOf(claim), ageMs: age[1] }]
    })
}

/** Whether the dispatcher says that the gate is open. */
export function isGateOpen(register: Register | undefined): boolean {
  const value = register?.value
  return Array.isArray(value) && value[4] === true
}

/** Reads a cell `[column, row]` of a message; undefined if it is none. */
export function readCell(value: unknown): Cell | undefined {
  if (!Array.isArray(value)) return undefined
  const [column, row] = value as readonly unknown[]
  if (!Number.isSafeInteger(column) || !Number.isSafeInteger(row)) return undefined
  return { column: column as number, row: row as number }
}

function middleOf(cell: Cell | null): number[] | null {
  return cell === null ? null : [cell.column + 0.5, cell.row + 0.5]
}

function cellOf(value: unknown): Cell | null {
  if (!Array.isArray(value)) return null
  const [x, y] = value as readonly unknown[]
  if (typeof x !== 'number' || typeof y !== 'number') return null
  return { column: Math.floor(x), row: Math.floor(y) }
}

function round(metres: number): number {
  return Math.round(metres * 1_000) / 1_000
}
