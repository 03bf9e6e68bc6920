import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { violationsOf } from './checks/all-checks.ts'
import { drawPlan } from './draw-plan.ts'
import { type Part, PARTS, type Plan } from './plan.ts'
import { play } from './play.ts'
import { runSeeds } from './run-seeds.ts'
import { shrinkPlan } from './shrink.ts'
import { formatTrace } from './trace.ts'

const USAGE = `usage: npm run simulate -- --seeds COUNT [--from SEED] [--workers COUNT]
       npm run simulate -- --seed SEED [--trace]
  both take --without PART, as often as wanted (${PARTS.join(', ')}), and --json`

/** Between two lines that tell how far it is. */
const PROGRESS_SEEDS = 100

class UsageError extends Error {}

interface Options {
  readonly seed: number | undefined
  readonly seeds: number
  readonly from: number
  readonly workers: number
  readonly without: readonly Part[]
  readonly trace: boolean
  readonly json: boolean
}

function readOptions(): Options {
  const { values } = readArguments()
  const without = (values.without ?? []).map((text) => {
    const part = PARTS.find((each) => each === text)
    if (part === undefined) throw new UsageError(`"${text}" is no part of a run`)
    return part
  })
  if (values.seed === undefined && values.seeds === undefined) {
    throw new UsageError('One of --seed and --seeds is needed')
  }
  return {
    seed: values.seed === undefined ? undefined : whole(values.seed, 'seed'),
    seeds: whole(values.seeds ?? '1', 'seeds'),
    from: whole(values.from ?? '1', 'from'),
    workers: whole(values.workers ?? String(availableParallelism()), 'workers'),
    without,
    trace: values.trace ?? false,
    json: values.json ?? false,
  }
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        workers: { type: 'string' },
        without: { type: 'string', multiple: true },
        trace: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause))
  }
}

function whole(text: string, option: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new UsageError(`--${option} is "${text}", and must be a whole number from 1 on`)
}

/** Plays many seeds; true if nothing was violated. */
async function playMany(options: Options): Promise<boolean> {
  const { seeds, from, workers, without, json } = options
  let played = 0
  let failed = 0
  const reports = await runSeeds({
    from,
    count: seeds,
    workers,
    without,
    done: ({ seed, violations }) => {
      played += 1
      if (violations.length > 0) {
        failed += 1
        if (json) console.log(JSON.stringify({ seed, violations }))
        else console.log(`seed ${seed}  ${violations[0]!.rule}: ${violations[0]!.what}`)
      }
      if (!json && played % PROGRESS_SEEDS === 0) console.log(`${played} seeds, ${failed} failed`)
    },
  })
  const cpu = reports.reduce((sum, report) => sum + report.cpuSeconds, 0) / reports.length
  const heard = reports.reduce((sum, report) => sum + report.heard, 0)
  const cpuSeconds = Number(cpu.toFixed(2))
  if (json) console.log(JSON.stringify({ seeds, from, without, failed, heard, cpuSeconds }))
  else {
    console.log(
      `Seeds ${from} to ${from + seeds - 1}: ${failed} failed, ${heard} messages delivered, ${cpuSeconds} CPU s a seed`,
    )
    const [first] = reports.filter(({ violations }) => violations.length > 0)
    if (first !== undefined) console.log(`Replay: npm run simulate -- --seed ${first.seed} --trace`)
  }
  return failed === 0
}

/** Plays one seed and tells what happened; true if nothing was violated. */
async function playOne(seed: number, { without, trace, json }: Options): Promise<boolean> {
  const plan = drawPlan(seed, without)
  const history = await play(plan)
  const violations = violationsOf(plan, history)
  if (json) {
    console.log(JSON.stringify({ seed, without, violations }))
    return violations.length === 0
  }
  console.log(describePlan(plan, without))
  for (const { rule, what } of violations) console.log(`${rule}: ${what}`)
  console.log(violations.length === 0 ? 'No violation' : `${violations.length} violations`)
  const [first] = violations
  if (!trace) return first === undefined
  if (first === undefined) {
    console.log(formatTrace(history, []).join('\n'))
    return true
  }
  console.log(`\nLeaving out what "${first.rule}" does not need …`)
  const small = await shrinkPlan(plan, first.rule)
  const again = await play(small)
  const left = violationsOf(small, again).find(({ rule }) => rule === first.rule) ?? first
  console.log(
    `${small.events.length} of ${plan.events.length} events\n${left.rule}: ${left.what}\n`,
  )
  console.log(formatTrace(again, left.about).join('\n'))
  return false
}

function describePlan(plan: Plan, without: readonly Part[]): string {
  const { seed, realKeys, organisations, nodes, agents, events, hostile, busyMs } = plan
  return [
    `Seed ${seed}: ${agents.length} agents on ${nodes.length} nodes of ${organisations.length} organisations`,
    `${events.length} events in ${busyMs / 1_000} s`,
    realKeys ? 'Ed25519' : 'keyed hashes',
    hostile.length === 0 ? 'nobody hostile' : `a hostile member at ${hostile.length} nodes`,
    ...(without.length === 0 ? [] : [`without ${without.join(', ')}`]),
  ].join(', ')
}

async function main(): Promise<number> {
  try {
    const options = readOptions()
    const { seed } = options
    const held = seed === undefined ? await playMany(options) : await playOne(seed, options)
    return held ? 0 : 1
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause
    console.error(`${cause.message}\n${USAGE}`)
    return 2
  }
}

process.exitCode = await main()
