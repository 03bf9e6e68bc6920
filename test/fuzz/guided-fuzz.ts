import { cpuMs } from '../../packages/dns/test/cpu-time.ts'
import { mutate } from '../scoreboard/mutate.ts'
import type { SourceCoverage } from './source-coverage.ts'

/** Something that reads bytes of anybody. */
export interface FuzzTarget {
  readonly name: string
  /** Genuine inputs; at least two. */
  readonly seeds: readonly Uint8Array[]
  /** Reads the bytes, and checks what must hold of whatever it accepts. */
  readonly run: (input: Uint8Array) => unknown
  /** Whether this is how it refuses; anything else that it throws is a bug. */
  readonly isRefusal: (cause: unknown) => boolean
}

/** What came of it. */
export interface FuzzResult {
  readonly executions: number
  /** Inputs that were kept, as each of them ran code that none before had run. */
  readonly corpus: number
  /** Characters of source that ran. */
  readonly covered: number
  /** The execution that found code last. */
  readonly lastFind: number
  /** What was wrong: the input, in hexadecimal, and what it did. */
  readonly faults: readonly string[]
  readonly slowestMs: number
}

/**
 * Inputs between two looks at the coverage, which cost some milliseconds each: few while nearly all
 * of them find something, more when hardly any does.
 */
const BATCH_MIN = 32
const BATCH_MAX = 1_024
/** One call may take this long; a slow one is repeated, since the machine may have paused. */
const CALL_MS_MAX = 100
const REPEATS = 3
const CORPUS_MAX = 4_096
const FAULTS_MAX = 8
/** Some mutations change a place or two, some pile up. */
const CHANGES_MAX = 6

/**
 * Runs a target on mutated inputs. An input that runs code which no input before has run becomes a
 * parent of later ones. Goes on past `executions` until the last fifth of all found nothing, or
 * twice as many ran.
 */
export function fuzzGuided(
  target: FuzzTarget,
  options: {
    readonly coverage: SourceCoverage
    readonly random: () => number
    readonly executions: number
  },
): FuzzResult {
  const { coverage, random, executions: least } = options
  const corpus = [...target.seeds]
  const faults: string[] = []
  const slowest = { ms: 0 }
  const call = (input: Uint8Array) => runOnce(target, input, { faults, slowest })
  for (const seed of target.seeds) call(seed)
  coverage.take({ keep: true })
  let executions = 0
  let lastFind = 0
  let size = BATCH_MIN
  const goesOn = () =>
    executions < least || (executions - lastFind < executions / 5 && executions < 2 * least)
  while (goesOn() && faults.length < FAULTS_MAX) {
    const batch = Array.from({ length: size }, () => child(corpus, random))
    for (const input of batch) call(input)
    executions += batch.length
    if (coverage.take({ keep: false }) === 0) {
      size = Math.min(size * 2, BATCH_MAX)
      continue
    }
    const found = findNew(batch, { call, coverage })
    if (found.length > 0) lastFind = executions
    size = found.length > 1 ? BATCH_MIN : size
    for (const input of found) if (corpus.length < CORPUS_MAX) corpus.push(input)
    // What only all together run, as the growth of a table, would be found again and again.
    for (const input of batch) call(input)
    coverage.take({ keep: true })
  }
  const { count: covered } = coverage
  const { ms: slowestMs } = slowest
  return { executions, corpus: corpus.length, covered, lastFind, faults, slowestMs }
}

/** An input made of one or two of the corpus; now and then of the newest, which led furthest. */
function child(corpus: readonly Uint8Array[], random: () => number): Uint8Array {
  const pick = () => corpus[Math.floor(random() * corpus.length)]!
  const recent = () =>
    corpus[corpus.length - 1 - Math.floor(random() * Math.min(16, corpus.length))]!
  let input = random() < 0.3 ? recent() : pick()
  const changes = 1 + Math.floor(random() * random() * CHANGES_MAX)
  for (let change = 0; change < changes; change++) {
    // Nothing is left of an empty input that could be changed.
    const parent = input.length === 0 ? Uint8Array.of(Math.floor(random() * 256)) : input
    input = mutate(parent, random() < 0.5 ? pick() : recent(), random)
  }
  return input
}

/** Inputs that are not told apart any more: to keep one too many costs less than to look again. */
const KEPT_TOGETHER = 4

/** The inputs of a batch that run new code, by halves: few do, so few halves are run again. */
function findNew(
  batch: readonly Uint8Array[],
  by: { readonly call: (input: Uint8Array) => void; readonly coverage: SourceCoverage },
): readonly Uint8Array[] {
  const middle = batch.length >> 1
  return [batch.slice(0, middle), batch.slice(middle)].flatMap((half) => {
    for (const input of half) by.call(input)
    const isLast = half.length <= KEPT_TOGETHER
    if (by.coverage.take({ keep: isLast }) === 0) return []
    return isLast ? half : findNew(half, by)
  })
}

function runOnce(
  { name, run, isRefusal }: FuzzTarget,
  input: Uint8Array,
  { faults, slowest }: { readonly faults: string[]; readonly slowest: { ms: number } },
): void {
  let least = Infinity
  for (let repeat = 0; repeat < REPEATS && least > CALL_MS_MAX; repeat++) {
    const began = cpuMs()
    try {
      run(input)
    } catch (cause) {
      if (!isRefusal(cause))
        faults.push(`${name}: ${Buffer.from(input).toString('hex')}: ${String(cause)}`)
    }
    least = Math.min(least, cpuMs() - began)
  }
  slowest.ms = Math.max(slowest.ms, least)
  if (least > CALL_MS_MAX)
    faults.push(`${name}: ${Buffer.from(input).toString('hex')}: ${least} ms`)
}
