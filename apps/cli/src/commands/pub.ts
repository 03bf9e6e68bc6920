import type { Agent } from '@ixj/agent'
import { matches, type Name } from '@ixj/names'
import { approvalsNeeded, toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument, textArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { addMembersOptions, type MembersFlags, waitForMembers } from '../members-wait.ts'
import { addBodyOptions, type BodyFlags, readBody, TEXT_HELP } from '../message-body.ts'
import type { Output } from '../output.ts'
import { addSessionOptions, openSession, type SessionFlags, untilStopped } from '../session.ts'

interface PubFlags extends SessionFlags, BodyFlags, MembersFlags {
  readonly state?: boolean
  readonly seal?: boolean
}

const HELP = `
What is not UTF-8 is sent as bytes. A text that starts with "-" stands after "--".

Examples:
  $ ixj pub crew.acme.example hello --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001
  $ ixj pub crew.acme.example - --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001 < notes.txt`

/** Registers `pub`. */
export function addPub(program: Command): void {
  addMembersOptions(addBodyOptions(addSessionOptions(program.command('pub'))))
    .description('join a group, wait until others are present, and publish one message')
    .argument('<topic>', 'the group', nameArgument)
    .argument('[text]', TEXT_HELP, textArgument)
    .option('--state', 'class state: only the newest counts, nothing is repaired')
    .option('--seal', 'send it only sealed, so that none but the members read it')
    .addHelpText('after', HELP)
    .action(async (topic: Name, text: string | undefined, flags: PubFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      const body = await readBody(text, flags)
      await using session = await openSession(await openHome(), flags)
      const { node, agent } = session
      await using decisions = node.decisions()
      await using group = await agent.join(topic, { sealed: flags.seal === true })
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
