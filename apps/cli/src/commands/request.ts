import { explanationOf } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { formatExplanation } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument, textArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { addBodyOptions, type BodyFlags, readBody, TEXT_HELP } from '../message-body.ts'
import { messageRecord } from '../message-text.ts'
import { bodyText } from '../output.ts'
import { addSendOptions, type SendFlags, sendOptions } from '../send-flags.ts'
import { addSessionOptions, openSession, type SessionFlags, untilStopped } from '../session.ts'

interface RequestFlags extends SessionFlags, BodyFlags, SendFlags {
  readonly explain?: boolean
}

const HELP = `
The answer goes to the standard output. Ends with 1 if it is refused, if the other side failed, or
if none came within the lifespan.

Example:
  $ ixj request w1.acme.example 'how are you?' --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001`

/** Registers `request`. */
export function addRequest(program: Command): void {
  const command = addSendOptions(addBodyOptions(addSessionOptions(program.command('request'))))
  command
    .description('ask a name, and print its answer')
    .argument('<name>', 'who is asked', nameArgument)
    .argument('[text]', TEXT_HELP, textArgument)
    .option('--explain', 'show why the answer is believed')
    .addHelpText('after', HELP)
    .action(async (to: Name, text: string | undefined, flags: RequestFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const stopped = untilStopped()
      const body = await readBody(text, flags)
      await using session = await openSession(await openHome(), flags)
      const answer = await session.agent.request(to, body, sendOptions(flags, stopped))
      const explain = flags.explain === true
      const tree = explain ? `\n${formatExplanation(explanationOf(answer))}` : ''
      output.print(messageRecord(answer, explain), `${bodyText(answer.body)}${tree}`)
    })
}
