import type { Name } from '@ixj/names'
import { compileFile } from '@ixj/node/policy'
import { type Action, formatDate, formatTimeLeft } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { type Block, blocks } from '../blocks.ts'
import { type Candidate, candidatesFor } from '../candidates.ts'
import { actionArgument, GRANT_ACTIONS } from '../grant-argument.ts'
import { grantContext } from '../held-grant.ts'
import { invocationOf } from '../invocation.ts'
import type { Output } from '../output.ts'

const HELP = `
Shown are owners, holders of grants that lie in this home, whom they may pass them on to, names
that the policy lets write to an inbox by itself, and what the policy says of each in a fresh
event of priority 1. Of a pattern an example is asked about.
Actions: ${GRANT_ACTIONS.join(', ')}.

Example:
  $ ixj whocan publish crew.acme.example`

/** Registers `whocan`. */
export function addWhocan(program: Command): void {
  program
    .command('whocan')
    .description('show everybody who can do something on a topic here, by what right, until when')
    .argument('<action>', 'what', actionArgument)
    .argument('<topic>', 'where', nameArgument)
    .option('--receiver <node>', 'the node that decides (default: the topic’s own)', nameArgument)
    .addHelpText('after', HELP)
    .action(async (...words: [Action, Name, { readonly receiver?: Name }, Command]) => {
      const [action, topic, flags, command] = words
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const context = await grantContext(home, topic)
      using policy = await compileFile(await home.policyPath())
      const deed = { action, topic, receiver: flags.receiver ?? topic }
      tell(candidatesFor(deed, context, policy), {
        what: `${action} on ${topic}`,
        now: context.now,
        output,
      })
    })
}

function tell(
  candidates: readonly Candidate[],
  about: { readonly what: string; readonly now: number; readonly output: Output },
): void {
  const { what, now, output } = about
  if (output.json) {
    for (const candidate of candidates) {
      const { via, mayDelegate, refusal, policy, ...rest } = candidate
      const record = {
        can: can(candidate),
        ...rest,
        via: [...via],
        mayDelegate: [...mayDelegate],
        code: refusal?.code ?? (policy?.permit === false ? 'policy' : null),
        message: refusal?.message ?? null,
        rule: policy?.rule ?? null,
      }
      output.print(record, '')
    }
    return
  }
  const able = candidates.filter(can)
  const others = candidates.filter((each) => !can(each))
  const head = able.length === 0 ? `nobody can ${what}, as far as this home knows` : `can ${what}`
  const lines = [head, ...blocks(able.map((each) => blockOf(each, now)))]
  if (others.length > 0) {
    lines.push('cannot', ...blocks(others.map((each) => blockOf(each, now))))
  }
  output.print({}, lines.join('\n'))
}

function can({ refusal, policy }: Candidate): boolean {
  return refusal === null && policy?.permit !== false
}

function blockOf(candidate: Candidate, now: number): Block {
  const { name, until, mayDelegate, refusal, policy } = candidate
  const facts: [string, string][] = [['right', rightOf(candidate)]]
  if (until !== null) facts.push(['until', `${formatDate(until)}, ${formatTimeLeft(until, now)}`])
  if (mayDelegate.length > 0) facts.push(['may pass it on to', mayDelegate.join(', ')])
  if (refusal !== null) facts.push(['refused', `${refusal.code}: ${refusal.message}`])
  else if (policy !== null) facts.push(['policy', policy.rule])
  return { title: name, facts }
}

function rightOf({ by, grant, via, onBehalfOf }: Candidate): string {
  switch (by) {
    case 'owner':
      return 'owner'
    case 'policy':
      return 'none: the policy alone lets it in, where the topic is an inbox'
    case 'grant':
      return `grant ${grant?.slice(0, 8) ?? ''} by ${via.join(' → ')}, for ${onBehalfOf}`
  }
}
