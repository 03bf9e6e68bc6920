import { seededRandom } from '../../test/world/random.ts'
import type { BenchResult } from '../table.ts'
import type { Background } from './background.ts'
import type { Churn } from './churn.ts'
import { HOP_MS } from './country.ts'
import {
  calibrate,
  messageMs,
  predictListenerBytes,
  predictMessageMs,
  type Calibration,
} from './model/calibration.ts'
import { flood, type Flood } from './model/flood.ts'
import { runTask } from './run-task.ts'
import { scaleTable } from './scale-table.ts'
import { smallWorld } from './small-world.ts'
import type { Survey, SurveyPlan } from './survey.ts'

/**
 * What a copy is taken to cost beside what it is a copy of. That moves cost in time alone: the sum of
 * a message and the copies that were measured with it stays.
 */
const COPY_PART = 0.02
/** Copies of a message at a node with eight neighbours, as they were measured with it. */
const COPIES_MEASURED = 7
const SEED = 0x1235
/** Messages times nodes before any is measured, in small countries as in large ones. */
const WARM_UP = 5_000
/** That hear of each other: as seldom as the many of a larger group do. */
const HEARERS = 64
/** Up to that, who makes agents publishes no status of its own. */
const BRIEF_SECONDS = 60
const MODEL_NODES = [1_000, 10_000, 100_000, 1_000_000]

/** What the model says of one message to all. */
export interface Modelled extends Flood {
  readonly kind: 'model'
  readonly nodes: number
}

/** What the model was made of, and how far it is from what was measured. */
export interface Checked extends Calibration {
  readonly kind: 'calibration'
  /** Of the largest survey, what the model says of it beside. */
  readonly checks: Readonly<Record<string, { readonly measured: number; readonly model: number }>>
}

export type ScaleRow = Survey | Background | Churn | Checked | Modelled

/**
 * Scale: 1,000 nodes with 100,000 agents in one process, what nodes hear of each other, agents that
 * come and go, and what a model makes of that for up to 10^6 nodes.
 */
export async function benchScale(
  scale: number,
  progress: (line: string) => void,
  chosen: readonly string[],
): Promise<BenchResult> {
  const rows: ScaleRow[] = []
  const isChosen = (row: string) => chosen.length === 0 || chosen.includes(row)
  const isWhole = scale >= 1
  if (isChosen('nodes')) rows.push(...(await measureNodes(isWhole, progress)))
  if (isChosen('churn')) {
    const perMinute = Math.max(500, Math.round(10_000 * scale))
    rows.push(
      await runTask<Churn>({ kind: 'churn', perMinute, minutes: isWhole ? 2 : 1 }, progress),
    )
  }
  return { rows, table: scaleTable(rows) }
}

async function measureNodes(
  isWhole: boolean,
  progress: (line: string) => void,
): Promise<readonly ScaleRow[]> {
  const base = { seed: SEED, lifetimeSeconds: BRIEF_SECONDS }
  const small = isWhole ? 100 : 20
  const agentsPerNode = isWhole ? 100 : 20
  const look = (
    plan: Pick<SurveyPlan, 'nodes' | 'bears' | 'listeners' | 'writers' | 'messages'>,
  ) => {
    const warmUp = isWhole ? Math.ceil(WARM_UP / plan.nodes) : 1
    return runTask<Survey>({ kind: 'survey', ...base, agentsPerNode, warmUp, ...plan }, progress)
  }
  const few = await look({ nodes: small, bears: true, listeners: 1, writers: 5, messages: 30 })
  const many = await look({ nodes: small, bears: false, listeners: 20, writers: 5, messages: 30 })
  const heard = await runTask<Background>(
    { kind: 'background', nodes: isWhole ? HEARERS : small, seed: SEED },
    progress,
  )
  // One writer of each: a first message costs what it does, and 5,000 of them took most of a minute.
  const large = await look({
    nodes: isWhole ? 1_000 : 50,
    bears: false,
    listeners: 10,
    writers: 1,
    messages: 8,
  })
  const costs = calibrate(few, many, heard)
  const nodes = isWhole ? MODEL_NODES : MODEL_NODES.slice(0, 2)
  const modelled = nodes.map((count): Modelled => {
    progress(`model: ${count.toLocaleString('en-US')} nodes`)
    return { kind: 'model', nodes: count, ...flooded(count, costs) }
  })
  return [few, many, large, heard, checkModel(large, costs), ...modelled]
}

/** A message to all of so many nodes, each with one agent. */
export function flooded(nodes: number, costs: Calibration): Flood {
  const pairs = smallWorld(nodes, seededRandom(SEED))
  const checkMs = predictMessageMs(costs, 1)
  const copyMs = checkMs * COPY_PART
  const ownMs = checkMs - COPIES_MEASURED * copyMs
  return flood(nodes, pairs, { hopMs: HOP_MS, checkMs: ownMs, copyMs })
}

/** The model beside the largest survey; hops and copies need no calibration. */
export function checkModel(large: Survey, costs: Calibration): Checked {
  const pairs = smallWorld(large.nodes, seededRandom(SEED + 1))
  const ideal = flood(large.nodes, pairs, { hopMs: HOP_MS, checkMs: 0, copyMs: 0 })
  const { hall, settle, fillHall, nodes, agentsPerNode, listeners } = large
  return {
    kind: 'calibration',
    ...costs,
    checks: {
      'hops, mean': { measured: hall.hopsMean, model: ideal.hopsMean },
      'copies of a message at a node': { measured: hall.copiesEach, model: ideal.copiesEach },
      'CPU of a message at a node, ms': {
        measured: messageMs(large),
        model: predictMessageMs(costs, listeners),
      },
      'bytes of an idle agent': {
        measured: settle.bytes / nodes / agentsPerNode,
        model: costs.agentBytes,
      },
      'bytes of one of those that listen': {
        measured: fillHall.bytes / nodes / listeners,
        model: predictListenerBytes(costs, listeners),
      },
    },
  }
}
