import { type Node, systemClock } from '@ixj/node'
import { DISPATCH, GATE_AGENT, robotName, robotsOf } from './names.ts'
import { openDispatcher } from './dispatcher.ts'
import type { Refusals } from './refusals.ts'
import { openRobot } from './robot.ts'

/** What agents of one node share. */
interface FloorParts {
  readonly refusals: Refusals
  readonly failed: (cause: unknown) => void
}

/** Opens the robots that live on the node of a garage; they end with the stack. */
export async function openGarage(
  node: Node,
  garage: string,
  parts: FloorParts,
): Promise<AsyncDisposableStack> {
  await using opening = new AsyncDisposableStack()
  for (const number of robotsOf(garage)) {
    const agent = await node.openAgent(robotName(number))
    opening.use(await openRobot(agent, { number, clock: systemClock, ...parts }))
  }
  return opening.move()
}

/** Opens the dispatcher and its gate on their node; they end with the stack. */
export async function openDispatch(node: Node, parts: FloorParts): Promise<AsyncDisposableStack> {
  await using opening = new AsyncDisposableStack()
  const gate = await node.openAgent(GATE_AGENT)
  const agent = await node.openAgent(DISPATCH)
  const options = { clock: systemClock, chance: Math.random, ...parts }
  opening.use(await openDispatcher({ agent, gate }, options))
  return opening.move()
}
