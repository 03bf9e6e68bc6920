import { basename } from 'node:path'
import type { PolicyRequest } from '@ixj/agent'
import { isAtOrBelow, isName, matches, type Name } from '@ixj/names'
import { HomeError, POLICY_CASES_BYTES_MAX, systemClock } from '@ixj/node/home'
import {
  compileFile,
  type CompiledPolicy,
  explainPolicy,
  GIVEN_FIELDS,
  parseCases,
  placeOf,
  POLICY_ACTIONS,
  PolicyError,
  type PolicyExplanation,
  type PolicyProblem,
  readRequest,
  runCases,
} from '@ixj/node/policy'
import { isGrant } from '@ixj/trust'
import { type Command, Option } from 'commander'
import { nameArgument, repeated } from '../arguments.ts'
import { blocks, wrapped } from '../blocks.ts'
import { ArgumentError } from '../command-error.ts'
import { grantContext, heldGrant } from '../held-grant.ts'
import { type Invocation, invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import { type Output, printable, type Record } from '../output.ts'

const TEST_HELP = `
The table is JSON:
  { "version": 1,
    "given": { "receiver": "node1.acme.example", "ownOrganisation": "acme.example" },
    "cases": [ { "name": "the crew may publish", "sender": "w1.acme.example",
                 "action": "publish", "topic": "crew.acme.example",
                 "given": { "basis": "grant", "organisation": "acme.example" },
                 "expect": "permit", "by": "grants inside the organisation" } ] }
"by" is a rule's @id or its place, as policy.cedar:4, and may be left out. What may be given:
  ${GIVEN_FIELDS.join(', ')}.`

const EXPLAIN_HELP = `
Facts that are not given: the receiver is the topic itself; organisations are those of this
home's anchors; the sender acts as owner of what lies in its slice, else under the one grant of
it that this home knows, else by no right; now.
What may be given: ${GIVEN_FIELDS.join(', ')}.

Example:
  $ ixj policy explain w1.acme.example publish crew.acme.example --given basis=grant`

const POLICY_OPTION = [
  '--policy <file>',
  "a policy file (default: this home's policy.cedar)",
] as const

/** Registers `policy check`, `policy test` and `policy explain`. */
export function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('check, test and explain the rules by which this home takes messages')
  policy
    .command('check')
    .description('parse and validate a policy; tell every mistake with its line and column')
    .argument('[file]', "a policy file (default: this home's policy.cedar)")
    .action(async (file: string | undefined, _options: object, command: Command) => {
      const invocation = invocationOf(command)
      await check(file ?? (await homePolicy(invocation)), invocation.output)
    })
  policy
    .command('test')
    .description('hold a table of cases against a policy; 1 if one of them comes out otherwise')
    .argument('<file>', 'the table, or - for the standard input')
    .option(...POLICY_OPTION)
    .addHelpText('after', TEST_HELP)
    .action(async (file: string, flags: { readonly policy?: string }, command: Command) => {
      await testCases(file, flags.policy, invocationOf(command))
    })
  policy
    .command('explain')
    .description('say which rules decide about a message, and what would change that')
    .argument('<sender>', 'who sends', nameArgument)
    .argument('<action>', POLICY_ACTIONS.join(', '))
    .argument('<topic>', 'the group or inbox', nameArgument)
    .addOption(
      new Option('--given <fact>', 'FACT=VALUE, lists with commas; repeatable').argParser(
        repeated(givenArgument),
      ),
    )
    .option(...POLICY_OPTION)
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (sender: Name, action: string, topic: Name, flags: ExplainFlags, command) => {
      const given = Object.fromEntries(flags.given ?? [])
      const fields = { ...given, sender, action, topic }
      await explain(fields, flags.policy, invocationOf(command as Command))
    })
}

interface ExplainFlags {
  readonly given?: readonly (readonly [string, string])[]
  readonly policy?: string
}

async function homePolicy({ openHome }: Invocation): Promise<string> {
  return await (await openHome()).policyPath()
}

async function check(path: string, output: Output): Promise<void> {
  try {
    using policy = await compileFile(path)
    const { rules, inputs, warnings, digest, file } = policy
    const count = rules.length === 1 ? '1 rule' : `${rules.length} rules`
    const mentioned = inputs.length === 0 ? 'nothing of a message' : inputs.join(', ')
    const lines = warnings.map((each) => problemLine(file, 'warning', each))
    output.print(
      {
        file: path,
        valid: true,
        rules: rules.length,
        inputs,
        digest,
        warnings: warnings.map(asRecord),
      },
      [`${file}  ${count}; decides by ${mentioned}`, ...lines].join('\n'),
    )
  } catch (cause) {
    if (!(cause instanceof PolicyError) || cause.problems.length === 0) throw cause
    const { code, problems } = cause
    output.print(
      { file: path, valid: false, code, problems: problems.map(asRecord) },
      problems.map((each) => problemLine(basename(path), code, each)).join('\n'),
    )
    process.exitCode = 1
  }
}

function problemLine(file: string, kind: string, problem: PolicyProblem): string {
  return `${placeOf(file, problem)}  ${kind}: ${printable(problem.message)}`
}

function asRecord({ line, column, message }: PolicyProblem): Record {
  return { line, column, message }
}

async function testCases(
  path: string,
  policyPath: string | undefined,
  invocation: Invocation,
): Promise<void> {
  const { output } = invocation
  const cases = parseCases(await readInput(path, POLICY_CASES_BYTES_MAX), path)
  using policy = await compileFile(policyPath ?? (await homePolicy(invocation)))
  const organisationOf = await organisations(invocation)
  const results = runCases(cases, policy, { organisationOf })
  for (const { name, expected, found, holds } of results) {
    const head = holds ? output.paint.green('ok    ') : output.paint.red('FAILED')
    const diff = holds ? '' : `\n        expected  ${expected}\n        found     ${found}`
    output.print(
      { case: name, expected, found, holds },
      `${head}  ${printable(name)}${holds ? '' : diff.split('\n').map(printable).join('\n')}`,
    )
  }
  const held = results.filter(({ holds }) => holds).length
  output.print(
    { cases: results.length, held, policy: policy.digest },
    `${held} of ${results.length} cases came out as expected`,
  )
  if (held < results.length) process.exitCode = 1
}

async function explain(
  fields: Readonly<{ [field: string]: string }>,
  policyPath: string | undefined,
  invocation: Invocation,
): Promise<void> {
  using policy = await compileFile(policyPath ?? (await homePolicy(invocation)))
  const organisationOf = await organisations(invocation)
  const facts = fields['basis'] === undefined ? await factsOf(fields, invocation) : {}
  const request = asArgument(() =>
    readRequest({ ...facts, ...fields }, 'the request', { organisationOf, now: systemClock.now() }),
  )
  const explanation = await explainPolicy(policy, request)
  tell(explanation, { request, policy, output: invocation.output })
}

/** What a grant in this home says of the sender; nothing where none holds, or several do. */
async function factsOf(
  fields: Readonly<{ [field: string]: string }>,
  { openHome }: Invocation,
): Promise<Readonly<{ [field: string]: unknown }>> {
  const { sender, topic } = fields
  if (!isName(sender) || !isName(topic) || isAtOrBelow(topic, sender)) return {}
  const action = POLICY_ACTIONS.find((each) => each === fields['action'])
  if (action === undefined) return {}
  const context = await grantContext(await openHome(), sender)
  const held = context.statements
    .filter(isGrant)
    .filter(({ statement }) => matches(statement.subject, sender))
    .map((grant) => heldGrant(grant, context, { action, topic }).authority)
  const authorities = held.filter((authority) => authority !== null)
  const [only] = authorities
  if (only === undefined || authorities.length > 1) return {}
  const delegators = only.chain.map(({ statement }) => statement.issuer)
  return { basis: 'grant', onBehalfOf: only.onBehalfOf, delegators }
}

async function organisations({ openHome }: Invocation) {
  const anchors = await (await openHome()).readAnchors()
  return (name: Name): Name | undefined => anchors.for(name)?.name
}

function tell(
  explanation: PolicyExplanation,
  context: {
    readonly request: PolicyRequest
    readonly policy: CompiledPolicy
    readonly output: Output
  },
): void {
  const { request, policy, output } = context
  const { decision, determining, rules, remedies } = explanation
  const { sender, action, topic } = request
  const outcome = decision.permit ? output.paint.green('PERMITTED') : output.paint.red('REFUSED  ')
  const why =
    determining.length === 0 ? decision.rule : determining.map(({ label }) => label).join(', ')
  const list = rules.map(({ rule, applies, failing }) => ({
    title: rule.label,
    facts: applies
      ? [['applies', 'yes'] as const]
      : failing.map((each, index) => [index === 0 ? 'lacks' : 'and', oneLine(each)] as const),
  }))
  const lines = [
    `${outcome} ${action} on ${topic}  by ${sender}`,
    `policy    ${why}`,
    `asked     ${factsLine(request, policy)}`,
    'rules',
    ...blocks(list),
    'to change it',
    ...remedies.flatMap((each) => wrapped(oneLine(each), { first: '  ', further: '    ' })),
  ]
  output.print(
    {
      permit: decision.permit,
      rule: decision.rule,
      policy: policy.digest,
      determining: determining.map(({ place, id, effect }) => ({ place, id, effect })),
      rules: rules.map(({ rule, applies, failing }) => {
        return {
          place: rule.place,
          id: rule.id,
          effect: rule.effect,
          applies,
          failing: [...failing],
        }
      }),
      remedies: [...remedies],
      request: JSON.parse(JSON.stringify(request)) as Record,
    },
    lines.map((line) => line.split('\n').map(printable).join('\n')).join('\n'),
  )
  if (!decision.permit) process.exitCode = 1
}

/** A part of a policy that its writer has parted into lines. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}

/** The facts that the policy looks at, beside sender, action and topic. */
function factsLine(request: PolicyRequest, policy: CompiledPolicy): string {
  const facts: Readonly<{ [input: string]: string | number | readonly string[] | undefined }> = {
    ...request,
    // Told above.
    action: undefined,
    time: new Date(request.now).toISOString(),
    minute: new Date(request.now).toISOString().slice(11, 16),
    weekday: new Date(request.now).toISOString().slice(0, 10),
  }
  const parts = policy.inputs.flatMap((input) => {
    const value = facts[input]
    return value === undefined ? [] : [`${input} ${[value].flat().join(', ') || 'none'}`]
  })
  return parts.length === 0 ? 'nothing besides' : parts.join('; ')
}

function givenArgument(text: string): readonly [string, string] {
  const place = text.indexOf('=')
  if (place > 0) return [text.slice(0, place), text.slice(place + 1)]
  const reason = 'a fact is given as FACT=VALUE'
  throw new ArgumentError('usage', `Cannot read ${JSON.stringify(text)}: ${reason}`)
}

/** What is wrong with a fact on the command line is the caller's to correct. */
function asArgument<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof HomeError)) throw cause
    throw new ArgumentError('usage', cause.message, { cause })
  }
}
