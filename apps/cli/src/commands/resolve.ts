import {
  dnsaddrOwner,
  type DnsName,
  endpointOwner,
  formatRecord,
  keyOwner,
  keysOf,
  type Resolution,
  type Resolver,
  TYPE,
  typeName,
  typeOfName,
  type ValidationStep,
} from '@ixj/dns'
import { isName } from '@ixj/names'
import { systemClock } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { ArgumentError } from '../command-error.ts'
import {
  addAskOptions,
  type AskFlags,
  dnsNameArgument,
  noteFault,
  openAsking,
} from '../dns-arguments.ts'
import { invocationOf } from '../invocation.ts'
import { columns, type Output, printable, type Record } from '../output.ts'

interface ResolveFlags extends AskFlags {
  readonly type?: string
}

interface Question {
  readonly owner: DnsName
  readonly type: number
}

const MARKS: Readonly<{ [Outcome in ValidationStep['outcome']]: string }> = {
  holds: '✓',
  absent: '∅',
  unsigned: '–',
  fails: '✗',
}

const HELP = `
Without --type: the key record of the name (_ixjkey), its endpoints (_ixj) and its addresses
(_dnsaddr). Every answer is validated from your own zone anchors; whoever carried it is not asked to
be trusted. Exit code 0 if the first answer is secure and there.

Examples:
  $ ixj resolve planner.acme.example
  $ ixj resolve planner.acme.example --server 127.0.0.1:5300 --anchors acme.anchor
  $ ixj resolve example.com --type A --root`

/** Registers `resolve`. */
export function addResolve(program: Command): void {
  const command = program
    .command('resolve')
    .description('look a name up in the DNS and show each step of the validation')
    .argument('<name>', 'a name', dnsNameArgument)
    .option('--type <type>', 'one type of record at exactly this name, as TXT or A')
  addAskOptions(command)
    .addHelpText('after', HELP)
    .action(async (name: DnsName, flags: ResolveFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      await using asking = await openAsking(await openHome(), flags)
      const { resolver } = asking
      await resolveAll(questionsOf(name, flags.type), resolver, output)
      noteFault(asking, output)
    })
}

function questionsOf(name: DnsName, typeText: string | undefined): readonly Question[] {
  if (typeText !== undefined) {
    const type = typeOfName(typeText)
    if (type !== undefined) return [{ owner: name, type }]
    const shown = JSON.stringify(typeText.slice(0, 80))
    throw new ArgumentError('usage', `Cannot resolve ${name}: ${shown} is no type of record`)
  }
  if (!isName(name)) {
    throw new ArgumentError('name', `Cannot resolve ${name}: no name of ixj; --type asks for it`)
  }
  return [
    { owner: keyOwner(name), type: TYPE.TXT },
    { owner: endpointOwner(name), type: TYPE.SVCB },
    { owner: dnsaddrOwner(name), type: TYPE.TXT },
  ]
}

async function resolveAll(
  questions: readonly Question[],
  resolver: Resolver,
  output: Output,
): Promise<void> {
  for (const [index, question] of questions.entries()) {
    const found = await resolver.resolve(question.owner, question.type)
    const isThere = found.state === 'secure' && found.answer === 'positive'
    if (index === 0 && !isThere) process.exitCode = 1
    output.print(recordOf(question, found), textOf(question, found, output))
    if (index > 0 || output.json || isThere) continue
    output.note({}, adviceOn(question, found))
    // The other two would say the same.
    if (found.state === 'unreachable') return
  }
}

/** What to do where the first answer is none. */
function adviceOn({ owner }: Question, found: Resolution): string {
  const name = owner.replace(/^_ixjkey\./, '')
  switch (found.state) {
    case 'secure':
      return `${name} is not published here: its zone ${found.zone} says so, signed`
    case 'insecure':
      return found.below === undefined
        ? `no zone at or above ${name} is trusted: is it spelled so? ixj trust anchor add NAME --zone FILE, or --anchors FILE`
        : `the zone of ${name} is not signed, so nothing in it counts`
    case 'bogus':
      return 'what came contradicts your anchors: do not use it; ixj doctor looks closer'
    case 'unreachable':
      return 'is the server running, and is --server its address and port? Servers that a zone sends on to are asked at port 53'
  }
}

function recordOf({ owner, type }: Question, found: Resolution): Record {
  const records = 'records' in found ? found.records.map((record) => formatRecord(record)) : []
  return {
    name: owner,
    type: typeName(type),
    state: found.state,
    answer: found.state === 'secure' ? found.answer : null,
    reason: found.state === 'bogus' ? found.reason : null,
    message: 'message' in found ? found.message : null,
    records,
    steps: found.steps.map(({ zone, what, outcome }) => ({ zone, what, outcome })),
  }
}

function textOf(question: Question, found: Resolution, { paint }: Output): string {
  const { owner, type } = question
  const colour = { secure: paint.green, insecure: paint.yellow, bogus: paint.red }
  const state = found.state.toUpperCase()
  const painted = found.state === 'unreachable' ? paint.yellow(state) : colour[found.state](state)
  const steps = found.steps.map(({ zone, what, outcome }) => [
    `  ${MARKS[outcome]}`,
    zone,
    printable(what),
  ])
  const lines = [`${painted}  ${owner} ${typeName(type)}${detailOf(found)}`]
  if (steps.length > 0) lines.push(columns(steps))
  if ('records' in found)
    lines.push(...found.records.map((record) => `    ${formatRecord(record)}`))
  return [...lines, ...keyLines(question, found)].join('\n')
}

function detailOf(found: Resolution): string {
  switch (found.state) {
    case 'secure': {
      const what = { positive: '', nodata: ': no such record', nxdomain: ': no such name' }
      return `${what[found.answer]}  (from your anchor ${found.anchor}, ${found.ttlSeconds} s)`
    }
    case 'insecure': {
      const { below } = found
      const reason = below === undefined ? 'no anchor covers it' : `not signed below ${below}`
      return `  (${reason})`
    }
    case 'bogus':
      return `  ${found.reason}: ${printable(found.message)}`
    case 'unreachable':
      return `  ${printable(found.message)}`
  }
}

/** What the key records say, and why others of them do not count. */
function keyLines({ owner }: Question, found: Resolution): readonly string[] {
  const name = owner.startsWith('_ixjkey.') ? owner.slice('_ixjkey.'.length) : ''
  if (!isName(name) || found.state !== 'secure' || found.answer !== 'positive') return []
  const { keys, reasons } = keysOf(name, found, { now: systemClock.now() })
  return [
    ...keys.map(({ key, uses, depth, hosts }) => {
      const what = { sign: 'signs', bind: 'binds', both: 'signs and binds' }[uses]
      const deep = depth === 0 ? '' : `, ${depth} ${depth === 1 ? 'link' : 'links'} deep`
      const where = hosts.length === 0 ? '' : `; hosts: ${hosts.join(', ')}`
      return `    key ${toBase64url(key)} ${what}${deep}${where}`
    }),
    ...reasons.map((reason) => `    not counted: ${printable(reason)}`),
  ]
}
