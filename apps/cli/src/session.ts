import { explanationOf } from '@ixj/agent'
import type { Agent, Decision } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { Home, Node } from '@ixj/node'
import { formatExplanation } from '@ixj/trust'
import { addressArgument, nameArgument, repeated } from './arguments.ts'
import type { Command } from 'commander'
import { ArgumentError } from './command-error.ts'
import { type Output, printable, type Record } from './output.ts'

/** Options of the commands that go on the mesh as an agent. */
export interface SessionFlags {
  readonly as: Name
  readonly node?: Name
  readonly listen?: readonly string[]
  readonly connect?: readonly string[]
}

/** Adds `--as`, `--node`, `--listen` and `--connect` to a command. */
export function addSessionOptions(command: Command): Command {
  return command
    .requiredOption('--as <agent>', 'the agent that acts; its key lies in this home', nameArgument)
    .option(
      '--node <node>',
      'the node that it runs on (default: the agent is its own)',
      nameArgument,
    )
    .option('--listen <address>', 'multiaddr to listen on; repeatable', repeated(addressArgument))
    .option(
      '--connect <address>',
      'multiaddr of a neighbour; repeatable',
      repeated(addressArgument),
    )
}

/** A node on the mesh with one agent. */
export interface Session extends AsyncDisposable {
  readonly node: Node
  readonly agent: Agent
}

/** Opens a node from a home, and the agent on it. @throws ArgumentError; as openNode, openAgent */
export async function openSession(home: Home, flags: SessionFlags): Promise<Session> {
  const { listen = [], connect = [] } = flags
  if (listen.length === 0 && connect.length === 0) {
    throw new ArgumentError('usage', 'Cannot meet anybody: give --connect, --listen, or both')
  }
  // Here, since libp2p takes half a second to load, and most commands do without.
  const { openNode } = await import('@ixj/node')
  const node = await openNode({ name: flags.node ?? flags.as, home, listen, connect })
  try {
    const agent = await node.openAgent(flags.as)
    return { node, agent, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() }
  } catch (cause) {
    await node[Symbol.asyncDispose]()
    throw cause
  }
}

/** A signal that SIGINT or SIGTERM aborts; a second one ends the program at once. */
export function untilStopped(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  return stop.signal
}

/** Tells every refusal until the queue ends, with its tree if `explain`. */
export async function tellRefusals(
  decisions: AsyncIterable<Decision>,
  options: {
    readonly explain: boolean
    /** Where they are told. */
    tell(record: Record, text: string): void
    readonly paint: Output['paint']
  },
): Promise<void> {
  for await (const decision of decisions) {
    if (decision.code === null) continue
    const explanation = explanationOf(decision)
    const { action, topic, sender, message } = explanation
    // Who was away brings old news, and is told the new: nothing that counts was refused.
    if (decision.code === 'superseded' && action === 'tell' && !options.explain) continue
    const what = `${action} on ${topic} by ${sender}`
    const line = printable(`${decision.code}  ${what}: ${message ?? ''}`)
    const tree = options.explain ? `\n${formatExplanation(explanation)}` : ''
    const { about, code, verdict } = decision
    options.tell(
      { event: 'refused', about, code, verdict, action, topic, sender, message },
      `${options.paint.red('refused')}  ${line}${tree}`,
    )
  }
}
