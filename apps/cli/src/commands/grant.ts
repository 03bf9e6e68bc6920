import { issueGrantTo, provingStatements } from '@ixj/agent'
import { type Name, type Pattern, patternBase } from '@ixj/names'
import { formatStatements, type Home, nodeRandom, nodeSha256, systemClock } from '@ixj/node/home'
import { formatTime, type Grant, isGrant, isHolder, type SignedStatement, toHex } from '@ixj/trust'
import { type Command, Option } from 'commander'
import {
  keyArgument,
  listArgument,
  nameArgument,
  numberArgument,
  patternArgument,
  patternsArgument,
} from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { actionArgument, GRANT_ACTIONS } from '../grant-argument.ts'
import { addConditionOptions, type ConditionFlags, conditionsOf } from '../grant-conditions.ts'
import { grantContext, heldGrant } from '../held-grant.ts'
import { invocationOf } from '../invocation.ts'
import { writeOutput } from '../named-file.ts'
import { printable } from '../output.ts'
import { addGrants } from '../statements.ts'

const DAY_SECONDS = 24 * 3_600
const DAYS_DEFAULT = 30
/** Ten years, as for bindings. */
const DAYS_MAX = 3_650

interface GrantFlags extends ConditionFlags {
  readonly by: Name
  readonly key?: Uint8Array
  readonly onBehalfOf?: Name
  readonly under?: string
  readonly delegate?: readonly Pattern[]
  readonly days?: number
  readonly seconds?: number
  readonly out?: string
}

const HELP = `
SUBJECT is a name or a pattern; ACTIONS and TOPICS are lists with commas. Actions:
${GRANT_ACTIONS.join(', ')}.
Topics in ISSUER's own slice make a root; others make a part of the one grant of ISSUER that
fits, or that --under names by the start of its id. host and speak take exact topics.
What is issued is kept in this home, so that ixj whocan knows of it. A holder elsewhere takes
the file in with: ixj key accept FILE

Examples:
  $ ixj grant w1.acme.example publish,subscribe crew.acme.example --by acme.example
  $ ixj grant '*.planner.acme.example' publish crew.acme.example --by planner.acme.example \\
      --hours 06:00-22:00 --per-second 10 --days 1 --out crew.grant`

/** Registers `grant`. */
export function addGrant(program: Command): void {
  const command = program
    .command('grant')
    .description('let a name, or names of a pattern, do something on topics, within limits')
    .argument('<subject>', 'who may', patternArgument)
    .argument('<actions>', 'what', (text) => listArgument(text).map((word) => actionArgument(word)))
    .argument('<topics>', 'where', patternsArgument)
    .requiredOption('--by <issuer>', 'a name whose key lies in this home', nameArgument)
    .option('--key <key>', 'only this key of the subject', keyArgument)
    .option('--on-behalf-of <name>', 'for whom it acts (default: the issuer)', nameArgument)
    .option(
      '--under <id>',
      'the grant of the issuer that this is a part of, or the start of its id',
    )
    .option('--delegate <patterns>', 'who may receive a part of it', patternsArgument)
  addConditionOptions(command)
    .addOption(
      new Option('--days <days>', `for how long (default: ${DAYS_DEFAULT})`)
        .argParser(numberArgument({ min: 1, max: DAYS_MAX }))
        .conflicts('seconds'),
    )
    .option(
      '--seconds <seconds>',
      'for how long, where days are too long',
      numberArgument({ min: 1, max: DAYS_MAX * DAY_SECONDS }),
    )
    .option('--out <file>', 'write it to a file, for the home that has the key')
    .addHelpText('after', HELP)
    .action(
      async (...words: [Pattern, Grant['actions'], readonly Pattern[], GrantFlags, Command]) => {
        const [subject, actions, topics, flags, self] = words
        const { output, openHome } = invocationOf(self)
        const home = await openHome()
        const issued = await issue(home, { subject, actions, topics }, flags)
        const { grant, statements, here, until } = issued
        const text = formatStatements({ name: patternBase(subject), statements })
        if (flags.out !== undefined) await writeOutput(flags.out, text)
        const file = flags.out ?? null
        const place = here.length > 0 ? `held by ${here.join(', ')} in this home` : handOver(file)
        const what = `${actions.join(', ')} on ${topics.join(', ')}`
        output.print(
          {
            id: grant.idText,
            by: flags.by,
            subject,
            onBehalfOf: grant.statement.onBehalfOf,
            actions: [...actions],
            topics: [...topics],
            parent: grant.statement.parent === null ? null : toHex(grant.statement.parent),
            until,
            here: [...here],
            file,
          },
          `${subject} may ${what} until ${formatTime(until)}\n  grant ${grant.idText}\n  ${printable(place)}`,
        )
      },
    )
}

function handOver(file: string | null): string {
  return file === null
    ? 'kept here; the holder has it when it is written with --out and taken in'
    : `hand over ${file}: ixj key accept ${file}`
}

interface Issued {
  readonly grant: SignedStatement<Grant>
  /** With what proves it. */
  readonly statements: readonly SignedStatement[]
  /** Names of this home that hold it. */
  readonly here: readonly Name[]
  /** Ms since the Unix epoch. */
  readonly until: number
}

async function issue(
  home: Home,
  wanted: Pick<Grant, 'subject' | 'actions' | 'topics'>,
  flags: GrantFlags,
): Promise<Issued> {
  const issuer = await home.readIdentity(flags.by)
  const seconds = flags.seconds ?? (flags.days ?? DAYS_DEFAULT) * DAY_SECONDS
  const conditions = conditionsOf(flags)
  const { grant, parent } = await issueGrantTo(
    issuer,
    {
      subject: wanted.subject,
      subjectKey: flags.key ?? null,
      notAfter: systemClock.now() + seconds * 1_000,
      request: {
        actions: wanted.actions,
        topics: wanted.topics,
        ...(conditions.length === 0 ? {} : { conditions }),
        ...(flags.onBehalfOf === undefined ? {} : { onBehalfOf: flags.onBehalfOf }),
        ...(flags.delegate === undefined ? {} : { mayDelegate: flags.delegate }),
        ...(flags.under === undefined ? {} : { under: findParent(issuer.statements, flags.under) }),
      },
    },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  const proving = provingStatements(issuer, parent === undefined ? [] : [parent])
  const statements = [...proving, grant]
  const here = await keep(home, grant, statements)
  const held = heldGrant(grant, await grantContext(home, flags.by))
  return { grant, statements, here, until: held.until ?? grant.statement.notAfter }
}

/** The issuer's grant whose id begins so. @throws CommandError `absent` */
function findParent(statements: readonly SignedStatement[], start: string): Uint8Array {
  const found = statements.filter(isGrant).filter(({ idText }) => idText.startsWith(start))
  const [only] = found
  if (/^[0-9a-f]{4,64}$/.test(start) && only !== undefined && found.length === 1) return only.id
  const reason = `${found.length} grants of the issuer have an id that begins so`
  throw new CommandError('absent', `Cannot find the grant ${JSON.stringify(start)}: ${reason}`)
}

/** Keeps a grant with every name of this home that holds it; with its issuer where none does. */
async function keep(
  home: Home,
  grant: SignedStatement<Grant>,
  statements: readonly SignedStatement[],
): Promise<readonly Name[]> {
  const { issuer } = grant.statement
  const holders: Name[] = []
  for (const name of await home.keyNames()) {
    const { publicKey: subjectKey } = await home.readSigner(name)
    if (name !== issuer && isHolder(grant.statement, { subject: name, subjectKey })) {
      holders.push(name)
    }
  }
  for (const name of holders) await addGrants(home, name, statements)
  if (holders.length === 0) await addGrants(home, issuer, statements)
  return holders
}
