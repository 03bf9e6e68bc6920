import type { Name } from '@ixj/names'
import type { Command } from 'commander'
import { answerAll } from '../answering.ts'
import { nameArgument, numberArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import {
  addSessionOptions,
  openSession,
  type SessionFlags,
  tellRefusals,
  untilStopped,
} from '../session.ts'

interface AnswerFlags extends SessionFlags {
  readonly exec?: string
  readonly count?: number
}

const COUNT_MAX = 1_000_000_000
const HELP = `
The command gets the body on its standard input, and IXJ_SENDER, IXJ_ON_BEHALF_OF, IXJ_TOPIC and
IXJ_ATTEMPT in its environment. What it writes is the answer; if it ends with anything but 0, the
request has failed. Without --exec the body itself is the answer. Messages of class task are
handled the same way, and need no answer: the command is run again if it fails.

Example:
  $ ixj answer --exec 'wc -c' --as w1.acme.example --listen /ip4/127.0.0.1/tcp/4001`

/** Registers `answer`. */
export function addAnswer(program: Command): void {
  addSessionOptions(program.command('answer'))
    .description('answer what the agent is asked, by a command, until SIGINT, SIGTERM or --count')
    .argument('[topic]', 'a group to answer in as well', nameArgument)
    .option('--exec <command>', 'a command for /bin/sh that answers')
    .option(
      '--count <count>',
      'end after that many requests and tasks',
      numberArgument({ min: 1, max: COUNT_MAX }),
    )
    .addHelpText('after', HELP)
    .action(async (topic: Name | undefined, flags: AnswerFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const stopped = untilStopped()
      await using session = await openSession(await openHome(), flags)
      const { node, agent } = session
      const decisions = node.decisions({ signal: stopped })
      const refusals = tellRefusals(decisions, {
        explain: false,
        paint: output.paint,
        tell: (record, text) => output.note(record, text),
      })
      if (topic !== undefined) await agent.join(topic)
      const where = node.addresses.map((address) => `\nlistening  ${address}`).join('')
      output.note(
        {
          event: 'answering',
          agent: flags.as,
          topic: topic ?? null,
          addresses: [...node.addresses],
        },
        `answering  as ${flags.as}${topic === undefined ? '' : ` in ${topic}`}${where}`,
      )
      await answerAll([agent], { ...flags, output, stopped })
      decisions.close()
      await refusals
    })
}
