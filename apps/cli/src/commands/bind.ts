import { type GrantRequest, type Identity, issueTo } from '@ixj/agent'
import { isBelow, type Name } from '@ixj/names'
import { formatStatements, type Home, nodeRandom, nodeSha256, systemClock } from '@ixj/node/home'
import {
  type Anchor,
  AnchorSet,
  BINDING_DEPTH_MAX,
  equalBytes,
  formatDate,
  isBinding,
  PURPOSES,
  type SignedStatement,
  toBase64url,
  type Uses,
} from '@ixj/trust'
import { type Command, Option } from 'commander'
import { keyArgument, nameArgument, numberArgument, repeated } from '../arguments.ts'
import { checkChain } from '../belief.ts'
import { ArgumentError } from '../command-error.ts'
import { GRANT_ACTIONS, grantArgument } from '../grant-argument.ts'
import { readRevocations } from '../home-revocations.ts'
import { invocationOf } from '../invocation.ts'
import { writeOutput } from '../named-file.ts'
import { printable } from '../output.ts'
import { mergeStatements } from '../statements.ts'
import { findZoneKeys, rootsOf } from '../zone-keys.ts'

const DAY_SECONDS = 24 * 3_600
/** Ten years: longer is forgotten, not trusted. */
const DAYS_MAX = 3_650
const DAYS_DEFAULT = 30

interface BindFlags {
  readonly by: Name
  readonly key?: Uint8Array
  readonly days?: number
  readonly seconds?: number
  readonly uses: Uses
  readonly depth?: number
  readonly grant?: readonly GrantRequest[]
  readonly out?: string
  readonly strict?: boolean
}

const EXAMPLES = `
Grants: 'ACTIONS TOPICS' or 'ACTIONS TOPICS; delegate PATTERNS', lists with commas;
actions are ${GRANT_ACTIONS.join(', ')}.
What PARENT said before of the name is replaced.

Examples:
  $ ixj bind w1.acme.example --by acme.example --grant 'publish,subscribe crew.acme.example'
  $ ixj bind scout.acme.example --by acme.example --key KEY --out scout.statements`

/** Registers `bind`. */
export function addBind(program: Command): void {
  program
    .command('bind')
    .description('state that a name has a key, and what it may do, with the key of a name above it')
    .argument('<name>', 'the name to bind', nameArgument)
    .requiredOption('--by <parent>', 'a name above it whose key lies in this home', nameArgument)
    .option('--key <key>', 'its public key; default: of its key in this home', keyArgument)
    .addOption(
      new Option('--days <days>', `for how long (default: ${DAYS_DEFAULT})`)
        .argParser(numberArgument({ min: 1, max: DAYS_MAX }))
        .conflicts('seconds'),
    )
    .option('--seconds <seconds>', 'for how long, where days are too long', secondsArgument)
    .addOption(
      new Option('--uses <uses>', 'what the key may do')
        .choices(['sign', 'bind', 'both'])
        .default('sign'),
    )
    .option(
      '--depth <links>',
      'bindings that may follow below (default: 0, or 1 if it may bind)',
      numberArgument({ min: 0, max: BINDING_DEPTH_MAX }),
    )
    .option('--strict', 'nothing of it goes on without a fresh status of its issuers')
    .option('--grant <grant>', 'what it may do; repeatable', repeated(grantArgument))
    .option('--out <file>', 'write the statements to a file, for the home that has the key')
    .addHelpText('after', EXAMPLES)
    .action(async (name: Name, flags: BindFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      if (!isBelow(name, flags.by)) {
        const reason = `it is not below ${flags.by}; only names above it may bind it`
        throw new ArgumentError('not-below', `Cannot bind ${name}: ${reason}`)
      }
      const home = await openHome()
      const bound = await bind(home, name, flags)
      const text = formatStatements({ name, statements: bound.statements })
      if (flags.out !== undefined) await writeOutput(flags.out, text)
      else if (!bound.here && !output.json) return void process.stdout.write(text)
      const until = bound.until
      const file = flags.out ?? null
      const place = bound.here
        ? 'statements are in this home'
        : `hand over ${file}: ixj key accept ${file}`
      output.print(
        {
          name,
          by: flags.by,
          publicKey: toBase64url(bound.key),
          until,
          grants: flags.grant?.length ?? 0,
          here: bound.here,
          file,
          ...(bound.here || file !== null
            ? {}
            : { statements: JSON.parse(text) as object as never }),
        },
        `${name} is bound by ${flags.by} until ${formatDate(until)}\n  ${printable(place)}`,
      )
    })
}

interface Bound {
  readonly key: Uint8Array
  readonly statements: readonly SignedStatement[]
  /** Whether they were written into this home, which has the key. */
  readonly here: boolean
  /** Ms since the Unix epoch. */
  readonly until: number
}

async function bind(home: Home, name: Name, flags: BindFlags): Promise<Bound> {
  const parent = await home.readIdentity(flags.by)
  const own = (await home.keyNames()).includes(name) ? await home.readSigner(name) : undefined
  const key = flags.key ?? own?.publicKey
  if (key === undefined) {
    const remedy = `give --key, or make one: ixj key new ${name}`
    throw new ArgumentError('usage', `Cannot bind ${name}: this home has no key of it; ${remedy}`)
  }
  const here = own !== undefined && equalBytes(own.publicKey, key)
  const encryptionKey = here ? (await home.readOpening(name)).publicKey : null
  const statements = await issueTo(
    parent,
    { name, key, encryptionKey },
    {
      lifetimeSeconds: flags.seconds ?? (flags.days ?? DAYS_DEFAULT) * DAY_SECONDS,
      uses: flags.uses,
      depth: flags.depth ?? (flags.uses === 'sign' ? 0 : 1),
      ...(flags.strict === undefined ? {} : { strict: flags.strict }),
      ...(flags.grant === undefined ? {} : { grants: flags.grant }),
    },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  // A chain that would hold nowhere is not worth writing down.
  const anchors = await anchorsFor(home, parent)
  const found = await findZoneKeys(rootsOf(name, statements), { home, anchors })
  const claim = { name, key, statements }
  const revocations = await readRevocations(home, anchors)
  const believing = { anchors, ...found, revocations, now: systemClock.now() }
  const { links } = checkChain(claim, believing)
  if (here) await mergeStatements(home, name, statements)
  // How long the DNS proves the top of the chain is renewed by itself; the links are not.
  const until = Math.min(...links.map(({ statement }) => statement.notAfter))
  return { key, statements, here, until }
}

/**
 * The home's own anchors; where none stands above the parent, the top of its chain: whoever binds
 * need not have decided yet whom to trust.
 */
async function anchorsFor(home: Home, parent: Identity): Promise<AnchorSet> {
  const anchors = await home.readAnchors()
  if (anchors.for(parent.name) !== undefined) return anchors
  const top = parent.statements
    .filter(isBinding)
    .toSorted((left, right) => left.statement.issuer.length - right.statement.issuer.length)[0]
  const name = top?.statement.issuer ?? parent.name
  const keys: Anchor['keys'] = [top?.statement.issuerKey ?? parent.signer.publicKey]
  return new AnchorSet([{ name, keys, purposes: PURPOSES }])
}

function secondsArgument(text: string): number {
  return numberArgument({ min: 1, max: DAYS_MAX * DAY_SECONDS })(text)
}
