import { explanationOf } from '@ixj/agent'
import { isatty } from 'node:tty'
import type { AskedApproval } from '@ixj/agent'
import { matches, type Pattern } from '@ixj/names'
import { systemClock } from '@ixj/node/home'
import { formatTimeLeft, toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { patternArgument, repeated } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { bodyRecord, bodyText, type Output, printable, type Record } from '../output.ts'
import {
  addSessionOptions,
  openSession,
  type SessionFlags,
  tellRefusals,
  untilStopped,
} from '../session.ts'
import { openYesOrNo, type YesOrNo } from '../yes-or-no.ts'

interface ApproveFlags extends SessionFlags {
  readonly yesTo?: readonly Pattern[]
  readonly once?: boolean
  readonly explain?: boolean
}

const HELP = `
Whoever holds a grant with the condition "approvals" asks the names in it before each message.
This shows what is asked of NAME while it runs, and asks y or n; on a terminal a line that was
typed before the question counts for nothing. Without an answer it is a no. Each yes is for that
one message, by that sender, under that grant, once, and for five minutes at most.

Examples:
  $ ixj approve --as ann.acme.example --connect /ip4/127.0.0.1/tcp/4001
  $ ixj approve --as guard.acme.example --connect ADDRESS --yes-to '*.crew.acme.example' --json`

/** Registers `approve`. */
export function addApprove(program: Command): void {
  addSessionOptions(program.command('approve'))
    .description('show the messages that wait for the approval of a name, and let them pass or not')
    .option(
      '--yes-to <pattern>',
      'approve without asking what these senders send; repeatable',
      repeated(patternArgument),
    )
    .option('--once', 'end after the first answer')
    .option('--explain', 'show with each question why it was let in')
    .addHelpText('after', HELP)
    .action(async (flags: ApproveFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      await using session = await openSession(await openHome(), flags)
      const decisions = session.node.decisions({ signal: stopped })
      const refusals = tellRefusals(decisions, {
        explain: flags.explain === true,
        paint: output.paint,
        tell: (record, text) => output.note(record, text),
      })
      const { addresses } = session.node
      const where = addresses.map((address) => `\nlistening  ${address}`).join('')
      output.note(
        { event: 'waiting', agent: flags.as, addresses: [...addresses] },
        `waiting    for what ${flags.as} is asked to approve${where}`,
      )
      await using answers = openYesOrNo({ isTerminal: isatty(process.stdin.fd) })
      for await (const asked of session.agent.approvals({ signal: stopped })) {
        show(asked, output, flags.explain === true)
        tellAnswer(await answerOne(asked, { flags, answers, output, stopped }), asked, output)
        if (flags.once === true || stopped.aborted) break
      }
      decisions.close()
      await refusals
    })
}

type Answer = 'approved' | 'refused' | 'too-late'

async function answerOne(
  asked: AskedApproval,
  context: {
    readonly flags: ApproveFlags
    readonly answers: YesOrNo
    readonly output: Output
    readonly stopped: AbortSignal
  },
): Promise<Answer> {
  const { flags, answers, output, stopped } = context
  const left = asked.expiresAt - systemClock.now()
  const over = AbortSignal.timeout(Math.max(0, left))
  const isExpected = flags.yesTo?.some((pattern) => matches(pattern, asked.sender)) === true
  const prompt = output.json ? '' : 'approve? [y/N] '
  const yes = isExpected || (await answers.ask(prompt, AbortSignal.any([over, stopped])))
  if (over.aborted) return 'too-late'
  if (yes) await asked.approve()
  else await asked.refuse()
  return yes ? 'approved' : 'refused'
}

function show(asked: AskedApproval, output: Output, explain: boolean): void {
  const { sender, onBehalfOf, topic, action, audience, body, contentType, needed } = asked
  const explanation = explanationOf(asked)
  const record: Record = {
    event: 'asked',
    sender,
    onBehalfOf,
    topic,
    action,
    class: asked.class,
    priority: asked.priority,
    audience: audience === null ? null : [...audience],
    messageId: toHex(asked.messageId),
    authority: toHex(asked.authority),
    needed: { count: needed.count, names: [...needed.names] },
    text: typeof body === 'string' ? body : null,
    body: bodyRecord(body),
    contentType,
    expiresAt: asked.expiresAt,
    ...(explain ? { explanation: JSON.parse(JSON.stringify(explanation)) as object as never } : {}),
  }
  const { bold, dim } = output.paint
  const behalf = onBehalfOf === sender ? '' : `, on behalf of ${onBehalfOf}`
  const type = contentType === null ? '' : `  (${printable(contentType)})`
  const left = formatTimeLeft(asked.expiresAt, systemClock.now())
  const lines = [
    `${bold(sender)} wants to ${action} on ${bold(topic)}${behalf}`,
    `  to       ${audience === null ? 'all who receive it' : audience.join(', ')}`,
    `  needs    ${needed.count} of ${needed.names.join(', ')}`,
    `  message  ${bodyText(body)}${type}`,
    dim(`  ${left}; ${toHex(asked.messageId)}`),
  ]
  output.print(record, lines.join('\n'))
}

function tellAnswer(answer: Answer, asked: AskedApproval, output: Output): void {
  const { green, red } = output.paint
  const { sender, topic, messageId } = asked
  const told = {
    approved: green('approved'),
    refused: red('refused '),
    'too-late': red('too late'),
  }
  output.print(
    { event: answer, sender, topic, messageId: toHex(messageId) },
    `${told[answer]}   ${asked.action} on ${topic} by ${sender}`,
  )
}
