import type { Batch, GatherOptions, QuorumPer } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { type Command, Option } from 'commander'
import { nameArgument, numberArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { messageRecord } from '../message-text.ts'
import { bodyText, columns, type Output } from '../output.ts'
import {
  addSessionOptions,
  openSession,
  type SessionFlags,
  tellRefusals,
  untilStopped,
} from '../session.ts'

interface GatherFlags extends SessionFlags {
  readonly quorum?: number
  readonly window?: number
  readonly per?: QuorumPer
  readonly count?: number
}

const COUNT_MAX = 1_000_000_000
const WINDOW_MS_MAX = 3_600_000
const HELP = `
The agent has to own the topic, or hold a \`host\` grant on it that it may delegate to its node.

Example:
  $ ixj gather results.acme.example --quorum 3 --as w1.acme.example --listen /ip4/127.0.0.1/tcp/4001`

/** Registers `gather`. */
export function addGather(program: Command): void {
  const atLeastOne = numberArgument({ min: 1, max: COUNT_MAX })
  addSessionOptions(program.command('gather'))
    .description('open an inbox that many write to, and print what comes, in batches')
    .argument('<topic>', 'the inbox', nameArgument)
    .option('--quorum <count>', 'a batch ends with that many senders', atLeastOne)
    .option(
      '--window <ms>',
      'a batch ends so long after its first message (default: 500)',
      numberArgument({ min: 1, max: WINDOW_MS_MAX }),
    )
    .addOption(
      new Option('--per <what>', 'what counts once for the quorum (default: key)').choices([
        'key',
        'name',
        'organisation',
      ]),
    )
    .option('--count <count>', 'end after that many batches', atLeastOne)
    .addHelpText('after', HELP)
    .action(async (topic: Name, flags: GatherFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const stopped = untilStopped()
      await using session = await openSession(await openHome(), flags)
      const decisions = session.node.decisions({ signal: stopped })
      const refusals = tellRefusals(decisions, {
        explain: false,
        paint: output.paint,
        tell: (record, text) => output.note(record, text),
      })
      await using gather = await session.agent.gather(topic, gatherOptions(flags))
      stopped.addEventListener('abort', () => void gather[Symbol.asyncDispose](), { once: true })
      const { addresses } = session.node
      const where = addresses.map((address) => `\nlistening  ${address}`).join('')
      const opened = { event: 'gathering', topic, agent: flags.as, addresses: [...addresses] }
      output.note(opened, `gathering  ${topic} as ${flags.as}${where}`)
      let count = 0
      for await (const batch of gather) {
        tellBatch(batch, output)
        count += 1
        if (count === flags.count) break
      }
      decisions.close()
      await refusals
    })
}

function gatherOptions({ quorum, window, per }: GatherFlags): GatherOptions {
  return {
    ...(quorum === undefined ? {} : { quorum }),
    ...(window === undefined ? {} : { windowMs: window }),
    ...(per === undefined ? {} : { per }),
  }
}

function tellBatch({ messages, senders, complete }: Batch, output: Output): void {
  const record = {
    event: 'batch',
    senders,
    complete,
    messages: messages.map((message) => messageRecord(message, false)),
  }
  const rows = messages.map(({ sender, body }) => [`  ${sender}`, bodyText(body)])
  const what = senders === 1 ? '1 sender' : `${senders} senders`
  const head = output.paint.bold(complete ? `${what}, complete` : what)
  output.print(record, `${head}\n${columns(rows)}`)
}
