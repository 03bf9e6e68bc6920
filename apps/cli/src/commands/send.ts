import type { Receipt } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument, textArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { addBodyOptions, type BodyFlags, readBody, TEXT_HELP } from '../message-body.ts'
import type { Output } from '../output.ts'
import { addSendOptions, type SendFlags, sendOptions } from '../send-flags.ts'
import { addSessionOptions, openSession, type SessionFlags, untilStopped } from '../session.ts'

interface SendingFlags extends SessionFlags, BodyFlags, SendFlags {}

const HELP = `
Waits until a node that may receive for the name is met; of class task, until the name has
acknowledged it. What was not acknowledged then is sent on whenever the agent is on the mesh, until
its lifespan ends.

Examples:
  $ ixj send w1.acme.example 'mend it' --as w2.acme.example --connect /ip4/127.0.0.1/tcp/4001
  $ ixj send w1.acme.example --body '{"x":1}' --class task --lifespan 600 --as w2.acme.example \\
      --connect /ip4/127.0.0.1/tcp/4001`

/** Registers `send`. */
export function addSend(program: Command): void {
  const command = addSendOptions(addBodyOptions(addSessionOptions(program.command('send'))))
  command
    .description('send one message to the inbox of a name')
    .argument('<name>', 'whose inbox', nameArgument)
    .argument('[text]', TEXT_HELP, textArgument)
    .addHelpText('after', HELP)
    .action(async (to: Name, text: string | undefined, flags: SendingFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const stopped = untilStopped()
      const body = await readBody(text, flags)
      await using session = await openSession(await openHome(), flags)
      const options = sendOptions(flags, stopped)
      if (flags.class !== 'task') {
        return tellSent(await session.agent.send(to, body, options), to, output)
      }
      const receipt = await session.agent.send(to, body, { ...options, class: 'task' })
      tellSent(receipt, to, output)
      await receipt.acknowledged.all({ signal: stopped })
      const record = { event: 'acknowledged', id: toHex(receipt.id), name: to }
      output.print(record, `acknowledged by ${to}`)
    })
}

function tellSent({ id, peers }: Receipt, to: Name, output: Output): void {
  const nodes = peers === 1 ? '1 node' : `${peers} nodes`
  output.print(
    { event: 'sent', id: toHex(id), topic: to, peers },
    `sent       ${toHex(id)} to ${to}, handed to ${nodes}`,
  )
}
