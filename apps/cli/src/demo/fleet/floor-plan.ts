/** A square metre of the floor: its column and row. */
export interface Cell {
  readonly column: number
  readonly row: number
}

/** `[x, y, width, height]` in metres. */
export type Area = readonly [x: number, y: number, width: number, height: number]

/** The floor that the fleet works on. */
export const FLOOR = { width: 24, height: 14 } as const

/** Racks, and the two walls of the cold store at the right. */
export const RACKS: readonly Area[] = [
  [4, 2, 5, 1],
  [11, 2, 5, 1],
  [4, 5, 5, 1],
  [11, 5, 5, 1],
  [4, 8, 5, 1],
  [11, 8, 5, 1],
  [4, 11, 5, 1],
  [11, 11, 5, 1],
  [18, 0, 1, 6],
  [18, 8, 1, 6],
  [21, 2, 2, 1],
  [21, 11, 2, 1],
]

/** The gate of the cold store: closed, unless a person lets the dispatcher open it. */
export const GATE: Area = [18, 6, 1, 2]

/** Where robots begin, and where goods are brought to: the docks at the left. */
export const DOCKS: readonly Cell[] = Array.from({ length: 14 }, (_, row) => ({ column: 0, row }))

/** Where goods are fetched: beside the racks, and in the cold store. */
export const SHELVES: readonly Cell[] = RACKS.flatMap(([x, y, width, height]) =>
  height > 1
    ? []
    : Array.from({ length: width }, (_, index) => ({ column: x + index, row: y + 1 })),
)

/** Whether a cell lies in an area. */
export function isIn({ column, row }: Cell, [x, y, width, height]: Area): boolean {
  return column >= x && column < x + width && row >= y && row < y + height
}

/** Whether the cold store can be reached through the gate alone: its cells lie behind it. */
export function isCold({ column }: Cell): boolean {
  return column > GATE[0]
}

/** Whether two cells are one. */
export function isSameCell(left: Cell, right: Cell): boolean {
  return left.column === right.column && left.row === right.row
}

/**
 * The shortest way from a cell to another, without the first; undefined where there is none. Costs
 * one look at each cell of the floor at most.
 */
export function route(
  from: Cell,
  to: Cell,
  blocked: (cell: Cell) => boolean,
): readonly Cell[] | undefined {
  const { width } = FLOOR
  const indexOf = ({ column, row }: Cell) => row * width + column
  const cameFrom = new Map<number, Cell | null>([[indexOf(from), null]])
  const waiting = [from]
  for (const cell of waiting) {
    if (isSameCell(cell, to)) return wayTo(cell, cameFrom, indexOf)
    for (const next of neighboursOf(cell)) {
      if (cameFrom.has(indexOf(next)) || blocked(next)) continue
      cameFrom.set(indexOf(next), cell)
      waiting.push(next)
    }
  }
  return undefined
}

function wayTo(
  last: Cell,
  cameFrom: ReadonlyMap<number, Cell | null>,
  indexOf: (cell: Cell) => number,
): readonly Cell[] {
  const way: Cell[] = []
  for (let cell: Cell | null | undefined = last; cell; cell = cameFrom.get(indexOf(cell))) {
    way.unshift(cell)
  }
  return way.slice(1)
}

/** The cells beside one on which something can stand. */
export function neighboursOf({ column, row }: Cell): readonly Cell[] {
  const around = [
    { column: column + 1, row },
    { column: column - 1, row },
    { column, row: row + 1 },
    { column, row: row - 1 },
  ]
  return around.filter(
    (cell) =>
      cell.column >= 0 &&
      cell.row >= 0 &&
      cell.column < FLOOR.width &&
      cell.row < FLOOR.height &&
      !RACKS.some((rack) => isIn(cell, rack)),
  )
}
