import type { Agent, Body, Decision, Group, Queue } from '@ixj/agent'
import { MESSAGES_BYTES_MAX } from '@ixj/agent'
import { matches, type Name, type Pattern } from '@ixj/names'
import type { Node } from '@ixj/node'
import { approvalsNeeded, toHex, TrustError, utf8Text } from '@ixj/trust'
import { type Command, Option } from 'commander'
import {
  nameArgument,
  numberArgument,
  patternArgument,
  repeated,
  textArgument,
} from '../arguments.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import type { Output } from '../output.ts'
import { addSessionOptions, openSession, type SessionFlags, untilStopped } from '../session.ts'

const WAIT_SECONDS = 10
const WAIT_SECONDS_MAX = 3_600
const MEMBERS_MAX = 65_536

interface PubFlags extends SessionFlags {
  readonly file?: string
  readonly to?: readonly Pattern[]
  readonly state?: boolean
  readonly wait: number
  readonly members: number
}

const HELP = `
What is not UTF-8 is sent as bytes. A text that starts with "-" stands after "--".

Examples:
  $ ixj pub crew.acme.example hello --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001
  $ ixj pub crew.acme.example - --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001 < notes.txt`

/** Registers `pub`. */
export function addPub(program: Command): void {
  addSessionOptions(program.command('pub'))
    .description('join a group, wait until others are present, and publish one message')
    .argument('<topic>', 'the group', nameArgument)
    .argument('[text]', 'the message, or - for the standard input', textArgument)
    .option('--file <file>', 'send what is in this file')
    .option('--to <pattern>', 'only for these members; repeatable', repeated(patternArgument))
    .option('--state', 'class state: only the newest counts, nothing is repaired')
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
    .addHelpText('after', HELP)
    .action(async (topic: Name, text: string | undefined, flags: PubFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      const body = await readBody(text, flags.file)
      await using session = await openSession(await openHome(), flags)
      const { node, agent } = session
      await using decisions = node.decisions()
      await using group = await agent.join(topic)
      const present = await waitForMembers(group, { flags, node, decisions, stopped })
      tellApprovals(agent, topic, output)
      const { id, peers } = await group.publish(body, {
        signal: stopped,
        ...(flags.to === undefined ? {} : { to: flags.to }),
        ...(flags.state === true ? { class: 'state' } : {}),
      })
      const members = present.length === 1 ? '1 member' : `${present.length} members`
      output.print(
        { id: toHex(id), topic, peers, members: [...present] },
        `published  ${toHex(id)} to ${members}, handed to ${peers === 1 ? '1 node' : `${peers} nodes`}`,
      )
    })
}

/** Who may have to approve it first: a person wonders why nothing happens. */
function tellApprovals(agent: Agent, topic: Name, output: Output): void {
  for (const { statement } of agent.grants) {
    const { actions, topics, conditions } = statement
    if (!actions.includes('publish') || !topics.some((pattern) => matches(pattern, topic))) continue
    const needed = approvalsNeeded(conditions)
    if (needed === undefined) continue
    const { count, names } = needed
    const what = count === 1 ? '1 approval' : `${count} approvals`
    output.note(
      { event: 'asking', topic, count, names: [...names] },
      `asking     for ${what} of ${names.join(', ')}`,
    )
  }
}

async function readBody(text: string | undefined, file: string | undefined): Promise<Body> {
  if ((text === undefined) === (file === undefined)) {
    throw new ArgumentError('usage', 'Cannot publish: give either a text, or - , or --file')
  }
  if (text !== undefined && text !== '-') return text
  const bytes = await readInput(file ?? '-', MESSAGES_BYTES_MAX)
  try {
    return utf8Text(bytes)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    return new Uint8Array(bytes)
  }
}

/** The names of others who are present and are to have the message, when they are enough. */
async function waitForMembers(
  group: Group,
  wait: {
    readonly flags: PubFlags
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
  wait: { readonly flags: PubFlags; readonly node: Node; readonly decisions: Queue<Decision> },
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
      : [`last refusal: ${refusal.code}, ${refusal.explain().message}`]),
  ]
  return new CommandError('nobody-there', `Cannot publish on ${topic}: ${reasons.join('; ')}`)
}
