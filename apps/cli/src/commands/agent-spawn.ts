import type { Agent, GrantRequest } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { Command } from 'commander'
import { answerAll } from '../answering.ts'
import { nameArgument, numberArgument, repeated } from '../arguments.ts'
import { grantArgument } from '../grant-argument.ts'
import { invocationOf } from '../invocation.ts'
import {
  addSessionOptions,
  openSession,
  type Session,
  type SessionFlags,
  tellRefusals,
  untilStopped,
} from '../session.ts'
import { durationArgument } from '../zones/zone-arguments.ts'

/** More on one command line would be a program. */
const AGENTS_MAX = 10_000
const LIFETIME = '1h'

const SPAWN_HELP = `
Makes keys for the agents w1, w2 and so on under the name --as, whose key has to be bound with
--uses both, binds them, and gives them --grant, each a part of what that name holds. They answer
what they are asked by --exec, as ixj answer does, until their lifetime or the command ends.

Example:
  $ ixj agent spawn 8 --as planner.acme.example --grant 'subscribe,answer crew.acme.example' \\
      --join crew.acme.example --exec 'wc -w' --listen /ip4/127.0.0.1/tcp/4001`

const POOL_HELP = `
A pool is one key for agents without end, each some agent that the node vouches for: they cannot be
told apart by who they are, and join no groups. --as binds it: the node, whose key has to be bound with
--uses both, or a name above the node, which is then named by --node.

Example:
  $ ixj agent pool 100 --as node1.acme.example --grant 'publish results.acme.example' \\
      --exec 'wc -w' --listen /ip4/127.0.0.1/tcp/4001`

interface CrowdFlags extends SessionFlags {
  readonly exec?: string
  readonly grant?: readonly GrantRequest[]
  readonly lifetime: number
  readonly join?: readonly Name[]
}

/** Registers `agent spawn` and `agent pool`. */
export function addSpawn(agent: Command): void {
  addCrowdOptions(agent.command('spawn'))
    .description('make short-lived agents under a name, and have them answer by a command')
    .option('--join <topic>', 'a group to answer in as well; repeatable', repeated(nameArgument))
    .addHelpText('after', SPAWN_HELP)
    .action(async (count: number, flags: CrowdFlags, self: Command) => {
      await openCrowd(flags, self, async ({ agent: parent }) => {
        const labels = Array.from({ length: count }, (_, index) => `w${index + 1}`)
        const wishes = { ...wishesOf(flags), sealable: true }
        const agents = await parent.spawnMany(labels, wishes)
        for (const each of agents) for (const topic of flags.join ?? []) await each.join(topic)
        return agents
      })
    })
  addCrowdOptions(agent.command('pool'))
    .description('open the pool of a node, and have its agents answer by a command')
    .addHelpText('after', POOL_HELP)
    .action(async (count: number, flags: CrowdFlags, self: Command) => {
      await openCrowd(flags, self, async ({ node, agent: by }) => {
        const pool = await node.host.openPool({ ...wishesOf(flags), by: by.identity })
        return await Promise.all(Array.from({ length: count }, () => pool.agent()))
      })
    })
}

function addCrowdOptions(command: Command): Command {
  return addSessionOptions(command)
    .argument('<count>', 'how many agents', numberArgument({ min: 1, max: AGENTS_MAX }))
    .option('--exec <command>', 'a command for /bin/sh that answers (default: what was asked)')
    .option('--grant <grant>', 'what they may do; repeatable', repeated(grantArgument))
    .option(
      '--lifetime <time>',
      `how long they are bound (default: ${LIFETIME})`,
      durationArgument,
      durationArgument(LIFETIME),
    )
}

function wishesOf({ lifetime, grant = [] }: CrowdFlags) {
  return { lifetimeSeconds: lifetime, grants: grant }
}

/** Opens agents, tells their names, and has them answer until they end or the command is stopped. */
async function openCrowd(
  flags: CrowdFlags,
  command: Command,
  open: (session: Session) => Promise<readonly Agent[]>,
): Promise<void> {
  const { output, openHome } = invocationOf(command)
  const stopped = untilStopped()
  await using session = await openSession(await openHome(), flags)
  const { node } = session
  const decisions = node.decisions({ signal: stopped })
  const refusals = tellRefusals(decisions, {
    explain: false,
    paint: output.paint,
    tell: (record, text) => output.note(record, text),
  })
  const agents = await open(session)
  for (const { name } of agents) output.print({ event: 'born', name }, `born       ${name}`)
  const addresses = [...node.addresses]
  output.note(
    { event: 'answering', agents: agents.length, addresses },
    [
      `answering  as ${agents.length} agents`,
      ...addresses.map((each) => `listening  ${each}`),
    ].join('\n'),
  )
  const { exec } = flags
  await answerAll(agents, { ...(exec === undefined ? {} : { exec }), output, stopped })
  decisions.close()
  await refusals
}
