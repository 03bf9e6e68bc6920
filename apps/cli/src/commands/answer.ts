import type { Agent, Body, IncomingRequest, Task } from '@ixj/agent'
import { AgentError } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { type CommandResult, runCommand } from '../answering-command.ts'
import { nameArgument, numberArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { bodyRecord, bodyText, type Output, printable } from '../output.ts'
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
      await answerAll(agent, { flags, output, stopped })
      decisions.close()
      await refusals
    })
}

interface Answering {
  readonly flags: AnswerFlags
  readonly output: Output
  readonly stopped: AbortSignal
}

/** One after the other of each kind: a command need not expect to run beside itself. */
async function answerAll(agent: Agent, context: Answering): Promise<void> {
  const enough = new AbortController()
  const signal = AbortSignal.any([context.stopped, enough.signal])
  let left = context.flags.count ?? Infinity
  const one = () => {
    left -= 1
    if (left === 0) enough.abort()
  }
  const requests = async () => {
    for await (const request of agent.requests({ signal })) {
      await answerRequest(request, context)
      one()
    }
  }
  const tasks = async () => {
    for await (const task of agent.tasks({ signal })) {
      await doTask(task, context)
      one()
    }
  }
  await Promise.all([requests(), tasks()])
}

async function answerRequest(request: IncomingRequest, context: Answering): Promise<void> {
  const result = await resultOf(request, context)
  try {
    if (result.done) await request.reply(result.body)
    else await request.fail(result.reason)
  } catch (cause) {
    // The one who asked has gone; the next one has not.
    if (!(cause instanceof AgentError)) throw cause
    return tell('unreachable', request, { done: false, reason: cause.message }, context.output)
  }
  tell(result.done ? 'answered' : 'failed', request, result, context.output)
}

async function doTask(task: Task, context: Answering): Promise<void> {
  const result = await resultOf(task, context)
  if (result.done) await task.done()
  else task.fail()
  tell(result.done ? 'done' : 'failed', task, result, context.output)
}

async function resultOf(
  message: IncomingRequest | Task,
  { flags, stopped }: Answering,
): Promise<CommandResult> {
  if (flags.exec === undefined) return { done: true, body: message.body }
  // Nobody waits for it afterwards.
  const over = AbortSignal.timeout(Math.max(1, message.expiresAt - Date.now()))
  return await runCommand(flags.exec, message, AbortSignal.any([over, stopped]))
}

function tell(
  event: 'answered' | 'done' | 'failed' | 'unreachable',
  message: IncomingRequest | Task,
  result: CommandResult,
  output: Output,
): void {
  const { id, topic, sender, onBehalfOf, body, attempt } = message
  const answer: Body = result.done ? result.body : result.reason
  const record = {
    event,
    id: toHex(id),
    topic,
    sender,
    onBehalfOf,
    attempt,
    body: bodyRecord(body),
    answer: bodyRecord(answer),
  }
  const { green, red, bold } = output.paint
  const word = result.done ? green(event.padEnd(9)) : red(event.padEnd(9))
  const said = result.done ? bodyText(answer) : printable(result.reason)
  output.print(record, `${word}  ${bold(sender)}  ${bodyText(body)} → ${said}`)
}
