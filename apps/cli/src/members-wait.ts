import { explanationOf } from '@ixj/agent'
import type { Decision, Group, Queue } from '@ixj/agent'
import { matches, type Name, type Pattern } from '@ixj/names'
import type { Node } from '@ixj/node'
import { type Command, Option } from 'commander'
import { numberArgument, patternArgument, repeated } from './arguments.ts'
import { CommandError } from './command-error.ts'
import type { SessionFlags } from './session.ts'

const WAIT_SECONDS = 10
const WAIT_SECONDS_MAX = 3_600
const MEMBERS_MAX = 65_536

/** For which members a message is, and how long they are waited for. */
export interface MembersFlags {
  readonly to?: readonly Pattern[]
  readonly wait: number
  readonly members: number
}

/** Adds `--to`, `--wait` and `--members` to a command. */
export function addMembersOptions(command: Command): Command {
  return command
    .option('--to <pattern>', 'only for these members; repeatable', repeated(patternArgument))
    .addOption(
      new Option('--wait <seconds>', 'how long to wait for others')
        .argParser(numberArgument({ min: 0, max: WAIT_SECONDS_MAX }))
        .default(WAIT_SECONDS),
    )
    .addOption(
      new Option('--members <count>', 'how many others to wait for')
        .argParser(numberArgument({ min: 1, max: MEMBERS_MAX }))
        .default(1),
    )
}

/**
 * The names of others who are present and are to have the message, when they are enough.
 * @throws CommandError `nobody-there`, `stopped`
 */
export async function waitForMembers(
  group: Group,
  wait: {
    readonly flags: MembersFlags & Pick<SessionFlags, 'as'>
    readonly node: Node
    readonly decisions: Queue<Decision>
    readonly stopped: AbortSignal
  },
): Promise<readonly Name[]> {
  const { flags, stopped } = wait
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(flags.wait * 1_000)])
  await using changes = group.presence({ signal })
  for (;;) {
    const names = group.members().map((member) => member.name)
    const others = names.filter(
      (name) => name !== flags.as && (flags.to?.some((pattern) => matches(pattern, name)) ?? true),
    )
    if (others.length >= flags.members) return others
    if ((await changes.take()).done !== true) continue
    if (!stopped.aborted) throw nobodyThere(group.topic, others.length, wait)
    throw new CommandError(
      'stopped',
      `Cannot publish on ${group.topic}: it was stopped while it waited`,
    )
  }
}

function nobodyThere(
  topic: Name,
  count: number,
  wait: {
    readonly flags: MembersFlags & Pick<SessionFlags, 'as'>
    readonly node: Node
    readonly decisions: Queue<Decision>
  },
): CommandError {
  const { flags, node, decisions } = wait
  const refusal = decisions.drain().findLast(({ code }) => code !== null)
  const failed = node.mesh.counts.dialsFailed
  const reasons = [
    `${count} of ${flags.members} were present after ${flags.wait} s`,
    node.neighbours.length === 0
      ? `no neighbour was met, ${failed} attempts to connect failed`
      : `neighbours: ${node.neighbours.join(', ')}`,
    ...(refusal === undefined
      ? []
      : [`last refusal: ${refusal.code}, ${explanationOf(refusal).message}`]),
  ]
  return new CommandError('nobody-there', `Cannot publish on ${topic}: ${reasons.join('; ')}`)
}
