import { type Node, systemClock } from '@ixj/node'
import { DISPATCH, GATE_AGENT, robotName, robotsOf } from './names.ts'
import { openDispatcher } from './dispatcher.ts'
import { openRobot } from './robot.ts'

/** Opens the robots that live on the node of a garage; they end with the stack. */
export async function openGarage(
  node: Node,
  garage: string,
  failed: (cause: unknown) => void,
): Promise<AsyncDisposableStack> {
  await using opening = new AsyncDisposableStack()
  for (const number of robotsOf(garage)) {
    const agent = await node.openAgent(robotName(number))
    opening.use(await openRobot(agent, { number, clock: systemClock, failed }))
  }
  return opening.move()
}

/** Opens the dispatcher and its gate on their node; they end with the stack. */
export async function openDispatch(
  node: Node,
  failed: (cause: unknown) => void,
): Promise<AsyncDisposableStack> {
  await using opening = new AsyncDisposableStack()
  const gate = await node.openAgent(GATE_AGENT)
  const agent = await node.openAgent(DISPATCH)
  const options = { clock: systemClock, chance: Math.random, failed }
  opening.use(await openDispatcher({ agent, gate }, options))
  return opening.move()
}
