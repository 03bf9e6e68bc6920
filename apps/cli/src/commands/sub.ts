import type { Name } from '@ixj/names'
import type { Command } from 'commander'
import { nameArgument, numberArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { tellMessage } from '../message-text.ts'
import {
  addSessionOptions,
  openSession,
  type SessionFlags,
  tellRefusals,
  untilStopped,
} from '../session.ts'

const COUNT_MAX = 1_000_000_000

interface SubFlags extends SessionFlags {
  readonly count?: number
  readonly explain?: boolean
  readonly seal?: boolean
}

const HELP = `
Messages go to the standard output, all else to the standard error. What members sealed is read by
whoever of them has been given the group's secret: its owner gives it, or who holds invite and publish.

Example:
  $ ixj sub crew.acme.example --as w1.acme.example --connect /ip4/127.0.0.1/tcp/4001`

/** Registers `sub`. */
export function addSub(program: Command): void {
  addSessionOptions(program.command('sub'))
    .description('join a group and print its messages, until SIGINT, SIGTERM or --count')
    .argument('<topic>', 'the group', nameArgument)
    .option(
      '--count <count>',
      'end after that many messages',
      numberArgument({ min: 1, max: COUNT_MAX }),
    )
    .option('--explain', 'show with each message and refusal why')
    .option('--seal', 'give the members the group’s secret, where this agent may')
    .addHelpText('after', HELP)
    .action(async (topic: Name, flags: SubFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      await using session = await openSession(await openHome(), flags)
      const explain = flags.explain === true
      const decisions = session.node.decisions({ signal: stopped })
      const refusals = tellRefusals(decisions, {
        explain,
        paint: output.paint,
        tell: (record, text) => output.note(record, text),
      })
      const group = await session.agent.join(topic, { sealed: flags.seal === true })
      const messages = group.messages({ signal: stopped })
      const { addresses } = session.node
      const where = addresses.map((address) => `\nlistening  ${address}`).join('')
      const joined = { event: 'joined', topic, agent: flags.as, addresses: [...addresses] }
      output.note(joined, `joined     ${topic} as ${flags.as}${where}`)
      let count = 0
      for await (const message of messages) {
        tellMessage(message, output, explain)
        count += 1
        if (count === flags.count) break
      }
      decisions.close()
      await refusals
    })
}
