import type { Name, Pattern } from '@ixj/names'
import {
  formatCrossCertificates,
  type Home,
  nodeRandom,
  nodeSha256,
  systemClock,
} from '@ixj/node/home'
import {
  checkName,
  CROSS_HOPS_MAX,
  defaultCrossNames,
  isBinding,
  isCrossCertificate,
  issueStatement,
  type Purpose,
} from '@ixj/trust'
import type { Command } from 'commander'
import { anchorRecord, anchorBlocks } from '../anchors.ts'
import {
  digestArgument,
  keyArgument,
  nameArgument,
  numberArgument,
  patternsArgument,
  repeated,
} from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'
import {
  acceptCrossCertificates,
  certificateRecord,
  certificateBlocks,
  describeCertificate,
  keepCrossCertificates,
  reportPaths,
} from '../cross-certificates.ts'
import { invocationOf } from '../invocation.ts'
import { readInput, writeOutput } from '../named-file.ts'
import { printable } from '../output.ts'
import { acceptSuccessor, readSuccessorFile, tellSuccessor } from '../succession.ts'
import { findZoneKeys, rootsOf } from '../zone-keys.ts'
import { purposesArgument } from './trust-purposes.ts'

const FILE_BYTES_MAX = 1024 * 1024
const DAY_MS = 24 * 3_600_000
const DAYS_DEFAULT = 90
const DAYS_MAX = 3_650

interface CrossFlags {
  readonly by: Name
  readonly key: readonly Uint8Array[]
  readonly next?: Uint8Array
  readonly names?: readonly Pattern[]
  readonly introducesOnly?: boolean
  readonly introduces?: readonly Pattern[]
  readonly hops?: number
  readonly purposes?: readonly Purpose[]
  readonly days?: number
  readonly out?: string
}

const CROSS_HELP = `
Lets names of another organisation in, for every node at or below --by, without an anchor in each
home. Purposes as of an anchor; default: connect,send. It is kept in this home; --out writes it for
others: the other homes of yours, and the subject, take it in with ixj trust accept.
What --by said before of this subject is replaced.

Examples:
  $ ixj trust cross globex.example --by acme.example --key KEY --out globex.cross
  $ ixj trust cross fed.example --by acme.example --key KEY --introduces-only \\
      --introduces '**.members.example' --hops 1`

/** Registers `trust cross`, `accept`, `list` and `path`. */
export function addTrustCross(trust: Command): void {
  addCross(trust)
  trust
    .command('accept')
    .description('take in what another home handed out: cross-certificates, or a successor')
    .argument('<file>', 'of ixj trust cross --out or ixj key successor --out, or - for input')
    .addHelpText(
      'after',
      '\nExamples:\n  $ ixj trust accept globex.cross\n  $ ixj trust accept globex.successor',
    )
    .action(async (file: string, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const shown = file === '-' ? 'the standard input' : file
      const bytes = await readInput(file, FILE_BYTES_MAX)
      const successor = readSuccessorFile(bytes, shown)
      if (successor !== undefined) {
        output.print(
          ...tellSuccessor(successor.told.statement, await acceptSuccessor(home, successor)),
        )
        return
      }
      for (const each of await acceptCrossCertificates(home, bytes, shown)) {
        output.print(certificateRecord(each), `kept: ${describeCertificate(each)}`)
      }
    })
  trust
    .command('list')
    .description('list anchors and cross-certificates of this home')
    .addHelpText('after', '\nExample:\n  $ ixj trust list')
    .action(async (_options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      await list(await openHome(), output)
    })
  trust
    .command('path')
    .description('show how the trust of this home leads to a name, or why it does not')
    .argument('<name>', 'the name, of any organisation', nameArgument)
    .requiredOption('--as <name>', 'the node or agent of yours that would verify it', nameArgument)
    .addHelpText(
      'after',
      '\nExample:\n  $ ixj trust path scout.globex.example --as node1.acme.example',
    )
    .action(async (name: Name, flags: { readonly as: Name }, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { record, text, leads } = await reportPaths(await openHome(), name, flags.as)
      output.print(record, text)
      if (!leads) process.exitCode = 1
    })
}

function addCross(trust: Command): void {
  trust
    .command('cross')
    .description('let names of another organisation in, for all of your own')
    .argument('<subject>', 'the name at the top of the other organisation', nameArgument)
    .requiredOption('--by <name>', 'a name of yours whose key lies in this home', nameArgument)
    .requiredOption('--key <key>', 'a public key of the subject; repeatable', repeated(keyArgument))
    .option('--next <sha256>', 'SHA-256 of its next key, which may then take over', digestArgument)
    .option('--names <patterns>', 'what it may speak for (default: all of it)', patternsArgument)
    .option('--introduces-only', 'it may speak for nobody')
    .option('--introduces <patterns>', 'whom it may let in in turn', patternsArgument)
    .option(
      '--hops <hops>',
      'how far (default: 0, or 1 with --introduces)',
      numberArgument({ min: 0, max: CROSS_HOPS_MAX - 1 }),
    )
    .option('--purposes <purposes>', 'what for', purposesArgument)
    .option(
      '--days <days>',
      `for how long (default: ${DAYS_DEFAULT})`,
      numberArgument({ min: 1, max: DAYS_MAX }),
    )
    .option('--out <file>', 'write it to a file, for other homes')
    .addHelpText('after', CROSS_HELP)
    .action(async (subject: Name, flags: CrossFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { certificate, proving } = await issue(await openHome(), subject, flags)
      const text = formatCrossCertificates([...proving, certificate])
      if (flags.out !== undefined) await writeOutput(flags.out, text)
      const place = flags.out === undefined ? '' : `\n  for others: ${printable(flags.out)}`
      const record = { ...certificateRecord(certificate), file: flags.out ?? null }
      output.print(record, `${describeCertificate(certificate)}${place}`)
    })
}

async function issue(home: Home, subject: Name, flags: CrossFlags) {
  if (flags.introducesOnly === true && flags.names !== undefined) {
    throw new ArgumentError('usage', 'Cannot use --introduces-only with --names: it means none')
  }
  const { by, introduces = [] } = flags
  const { signer, statements } = await home.readIdentity(by)
  const now = systemClock.now()
  const certificate = await issueStatement(
    {
      kind: 'cross-certificate',
      issuer: by,
      notBefore: now,
      notAfter: now + (flags.days ?? DAYS_DEFAULT) * DAY_MS,
      nonce: nodeRandom(16),
      subject,
      subjectKeys: flags.key,
      next: flags.next ?? null,
      names: flags.introducesOnly === true ? [] : (flags.names ?? defaultCrossNames(subject)),
      introduces,
      hops: flags.hops ?? (introduces.length === 0 ? 0 : 1),
      purposes: flags.purposes ?? ['connect', 'send'],
    },
    signer,
    nodeSha256,
  )
  // One by a key that nothing proves, or that may not bind, would count nowhere.
  const anchors = await home.readAnchors()
  const proving = statements.filter(isBinding)
  const found = await findZoneKeys(rootsOf(by, proving), { home, anchors })
  const question = { name: by, key: signer.publicKey, use: 'bind', purpose: 'send' } as const
  const { links } = checkName(question, { bindings: proving, anchors, ...found, now })
  await keepCrossCertificates(home, [...links, certificate])
  return { certificate, proving: links }
}

async function list(home: Home, output: ReturnType<typeof invocationOf>['output']): Promise<void> {
  const anchors = (await home.readAnchors()).list
  const certificates = (await home.readCrossCertificates()).filter(isCrossCertificate)
  if (output.json) {
    for (const each of anchors) output.print({ trust: 'anchor', ...anchorRecord(each) }, '')
    for (const each of certificates) {
      output.print({ trust: 'cross-certificate', ...certificateRecord(each) }, '')
    }
    return
  }
  const tables = [
    ...(anchors.length === 0 ? [] : [`anchors\n${anchorBlocks(anchors)}`]),
    ...(certificates.length === 0
      ? []
      : [`cross-certificates\n${certificateBlocks(certificates)}`]),
  ]
  if (tables.length > 0) output.print({}, tables.join('\n\n'))
  else output.note({}, 'This home trusts nobody yet: ixj trust anchor add')
}
