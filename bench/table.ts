/** What a bench measured: rows for programs, and the same as a table for people. */
export interface BenchResult {
  readonly rows: readonly object[]
  /** The first line is its head; the first column is text, the others are figures. */
  readonly table: readonly (readonly string[])[]
}

/**
 * A bench: `scale` is 1 for a whole run; `progress` hears what it is at. A bench of several rows of
 * the scoreboard runs those that are chosen; none means all.
 */
export type Bench = (
  scale: number,
  progress: (line: string) => void,
  chosen: readonly string[],
) => Promise<BenchResult>

/** A table in columns: text to the left, figures to the right. */
export function formatTable(table: BenchResult['table']): string {
  const columns = Math.max(...table.map((line) => line.length))
  // A line of one cell is a title, and widens nothing.
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...table.map((line) => (line.length === 1 ? 0 : (line[column]?.length ?? 0)))),
  )
  return table
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return column === 0 ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The sum of a sample by its size. */
export function mean(sample: readonly number[]): number {
  return sample.reduce((sum, value) => sum + value, 0) / sample.length
}

/**
 * The mean of what is compared by ratios. Where two take turns, the ratio of theirs is the mean of
 * the ratios of their turns: a minute in which a machine is slow for both of them falls out.
 */
export function geometricMean(sample: readonly number[]): number {
  return Math.exp(mean(sample.map(Math.log)))
}

/** Of turns sorted by size, so much is left out at either end: see {@link trimmedGeometricMean}. */
const TRIMMED_PART = 0.25

/**
 * The geometric mean of the middle half: a turn that met a busy second of the machine, or code that
 * was still being compiled, says nothing about a contender. Of three or fewer, of all.
 */
export function trimmedGeometricMean(sample: readonly number[]): number {
  const cut = trimmedAtEnd(sample)
  return geometricMean(ascending(sample).slice(cut, sample.length - cut))
}

/**
 * The variance of the logarithm of that mean, from the sample itself: that of the sample with what is
 * left out drawn in to the last that is not, by the square of the part that is left (Tukey and
 * McLaughlin 1963). Not a number where there is only one.
 */
export function varianceOfTrimmed(sample: readonly number[]): number {
  const [cut, size] = [trimmedAtEnd(sample), sample.length]
  const logs = ascending(sample).map(Math.log)
  const drawnIn = logs.map((_, place) => logs[Math.min(Math.max(place, cut), size - 1 - cut)]!)
  const middle = mean(drawnIn)
  const squares = drawnIn.reduce((sum, log) => sum + (log - middle) ** 2, 0)
  return squares / (size - 1) / size / (1 - (2 * cut) / size) ** 2
}

function trimmedAtEnd({ length }: readonly number[]): number {
  return Math.floor(length * TRIMMED_PART)
}

function ascending(sample: readonly number[]): readonly number[] {
  return sample.toSorted((left, right) => left - right)
}

/** The value in the middle; of two in the middle, what is between them. */
export function median(sample: readonly number[]): number {
  const sorted = ascending(sample)
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** The value below which that part of the sample lies. */
export function percentile(sample: readonly number[], part: number): number {
  const sorted = ascending(sample)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
