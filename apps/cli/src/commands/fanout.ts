import type { FanOut, Reply } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { Command } from 'commander'
import { nameArgument, numberArgument, textArgument } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { addMembersOptions, type MembersFlags, waitForMembers } from '../members-wait.ts'
import { addBodyOptions, type BodyFlags, readBody, TEXT_HELP } from '../message-body.ts'
import { bodyRecord, bodyText, columns, type Output, printable, type Record } from '../output.ts'
import { addSendOptions, type SendFlags, sendOptions } from '../send-flags.ts'
import { addSessionOptions, openSession, type SessionFlags, untilStopped } from '../session.ts'

interface FanOutFlags extends SessionFlags, BodyFlags, SendFlags, MembersFlags {
  readonly quorum?: number
}

const QUORUM_MAX = 65_536
const HELP = `
Ends when all have answered, with --quorum, or with the lifespan. Ends with 1 if fewer have replied
than --quorum, or, without that, than were asked.

Example:
  $ ixj fanout crew.acme.example 'who is free?' --quorum 2 --members 3 --as w2.acme.example \\
      --connect /ip4/127.0.0.1/tcp/4001`

/** Registers `fanout`. */
export function addFanOut(program: Command): void {
  const command = addSendOptions(addBodyOptions(addSessionOptions(program.command('fanout'))))
  addMembersOptions(command)
    .description('ask the members of a group, and show who answers what')
    .argument('<topic>', 'the group', nameArgument)
    .argument('[text]', TEXT_HELP, textArgument)
    .option(
      '--quorum <count>',
      'end when that many have replied',
      numberArgument({ min: 1, max: QUORUM_MAX }),
    )
    .addHelpText('after', HELP)
    .action(async (topic: Name, text: string | undefined, flags: FanOutFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const stopped = untilStopped()
      const body = await readBody(text, flags)
      await using session = await openSession(await openHome(), flags)
      const { node, agent } = session
      await using decisions = node.decisions()
      await using group = await agent.join(topic, { sealed: flags.seal === true })
      await waitForMembers(group, { flags, node, decisions, stopped })
      const { to, quorum } = flags
      const run = group.fanOut(body, {
        ...sendOptions(flags, stopped),
        ...(to === undefined ? {} : { to }),
        ...(quorum === undefined ? {} : { quorum }),
      })
      const replies: Reply[] = []
      for await (const reply of run) {
        replies.push(reply)
        if (output.json) output.print(replyRecord(reply), '')
      }
      tellRun(run, replies, output)
      checkQuorum(run, topic, quorum)
    })
}

function tellRun(run: FanOut, replies: readonly Reply[], output: Output): void {
  const byName = new Map(replies.map((reply) => [reply.name, reply]))
  const rows = [...run.status].map(([name, status]) => [name, status, replyText(byName.get(name))])
  const record = { event: 'done', expected: [...run.expected], missing: [...run.missing] }
  output.print(record, columns([['NAME', 'STATUS', 'ANSWER'], ...rows]))
}

function checkQuorum(run: FanOut, topic: Name, quorum = run.expected.length): void {
  const replied = [...run.status.values()].filter((status) => status === 'replied').length
  if (replied >= quorum && run.expected.length > 0) return
  const counts = `${replied} of ${run.expected.length} replied, ${quorum} were needed`
  throw new CommandError('nobody-there', `Cannot complete the question on ${topic}: ${counts}`)
}

function replyText(reply: Reply | undefined): string {
  switch (reply?.status) {
    case undefined:
      return ''
    case 'replied':
      return bodyText(reply.message.body)
    case 'refused':
      return printable(`${reply.code}: ${reply.reason}`)
    case 'failed':
      return printable(reply.reason)
  }
}

function replyRecord(reply: Reply): Record {
  const { name, status } = reply
  if (status === 'replied')
    return { event: 'reply', name, status, body: bodyRecord(reply.message.body) }
  const code = status === 'refused' ? reply.code : null
  return { event: 'reply', name, status, code, reason: reply.reason }
}
