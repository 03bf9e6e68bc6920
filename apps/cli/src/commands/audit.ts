import {
  formatNoteKey,
  formatSignedCheckpoint,
  type NoteKey,
  parseWitnessRequest,
} from '@ixj/audit'
import type { Name } from '@ixj/names'
import { nodeSha256, type ReadRecord } from '@ixj/node/home'
import type { Command } from 'commander'
import { nameArgument, numberArgument, repeated } from '../arguments.ts'
import { addAuditEvidence } from './audit-evidence.ts'
import { addAuditExport } from './audit-export.ts'
import {
  addLogOptions,
  addTrustOptions,
  type LogFlags,
  noteKeyArgument,
  openSource,
  timeArgument,
  type TrustFlags,
  trustOf,
} from '../audit/log-source.ts'
import { idOf, proveRecord, readProof } from '../audit/prove-record.ts'
import { recordBlocks, recordJson, SHORT_ID } from '../audit/record-text.ts'
import { verifiedJson, verifiedText, verifySource } from '../audit/verified-log.ts'
import { cosignRequest, requestFor, sizeSeen, withLines } from '../audit/witness-log.ts'
import { ArgumentError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import { printable } from '../output.ts'

/** Bytes of a proof, a request for a witness, or a checkpoint. */
const TEXT_BYTES_MAX = 128 * 1024
const SHOWN_DEFAULT = 40

const SHOW_HELP = `
Shows what the file says, without checking it: ixj audit verify does that.

Examples:
  $ ixj audit show node1.acme.example --last 10
  $ ixj audit show --code policy --since 2026-11-26`

const VERIFY_HELP = `
The log's key is one to which a chain of grants leads from an anchor of this home, or --key; never one
that the log brings. What was verified is remembered, so that a log which goes back, or shows another
history, is found the next time; --seen brings a checkpoint that somebody else saw.
Ends with 1 if anything is wrong, and says where.

Examples:
  $ ixj audit verify node1.acme.example
  $ ixj audit verify --log ./copy --witness 'watch.globex.example+1a2b3c4d+BGz…'
  $ ixj audit verify node1.acme.example --proof record.tlog-proof`

const PROVE_HELP = `
The proof is a C2SP tlog-proof with the record in it: whoever trusts the log's key can check it
without the log.

Example:
  $ ixj audit prove 4f2a90 > record.tlog-proof`

const WITNESS_HELP = `
A witness cosigns a log's newest checkpoint with its own key, if it continues the one that it cosigned
before: then nobody can be shown another history. With the log at hand, --log; else the log's owner
sends a request, and gets a line of signature back, which --attach keeps beside the log.

Examples:
  $ ixj audit witness --log ./copy --as watch.globex.example
  $ ixj audit export node1.acme.example --for-witness --old 120 > request
  $ ixj audit witness node1.acme.example --request request --as watch.globex.example > line
  $ ixj audit witness node1.acme.example --attach line --request request`

/** Registers `audit show`, `verify`, `prove`, `witness`, `export` and `evidence`. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('what a node decided and issued, provably')
  addShow(audit)
  addVerify(audit)
  addProve(audit)
  addWitness(audit)
  addAuditExport(audit)
  addAuditEvidence(audit)
}

interface ShowFlags extends LogFlags {
  readonly last: number
  readonly since?: number
  readonly until?: number
  readonly code?: string
  readonly sender?: Name
  readonly id?: string
}

function addShow(audit: Command): void {
  const show = audit
    .command('show')
    .description('show records, the newest last')
    .argument('[node]', 'whose log (default: the only one of this home)', nameArgument)
    .option('--last <count>', 'how many', numberArgument({ min: 1, max: 100_000 }), SHOWN_DEFAULT)
    .option('--since <time>', 'from this time on', timeArgument)
    .option('--until <time>', 'before this time', timeArgument)
    .option('--code <code>', 'only refusals with this code; "accepted" for the others')
    .option('--sender <name>', 'only bundles of this name', nameArgument)
    .option('--id <id>', 'only what has an id that begins so, in hexadecimal')
  addLogOptions(show)
    .addHelpText('after', SHOW_HELP)
    .action(async (node: Name | undefined, flags: ShowFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { log } = await openSource(await openHome(), node, flags)
      const shown: ReadRecord[] = []
      for await (const read of log.records()) {
        if (!fits(read, flags)) continue
        shown.push(read)
        if (shown.length > flags.last) shown.shift()
      }
      if (output.json) for (const each of shown) output.print(recordJson(each), '')
      else if (shown.length > 0) {
        output.print({}, recordBlocks(shown))
        // The explanations lie in the home, not beside a log that was copied.
        const decided = shown.findLast(
          ({ record }) => record.kind === 'bundle' && record.id !== null,
        )
        const isHere = decided !== undefined && flags.log === undefined
        if (isHere) output.note({}, `why: ixj explain ${idOf(decided).slice(0, SHORT_ID)}`)
      } else output.note({}, 'No record fits')
    })
}

function fits(read: ReadRecord, { since, until, code, sender, id }: ShowFlags): boolean {
  const { record } = read
  if (record.at < (since ?? 0) || record.at >= (until ?? Infinity)) return false
  if (id !== undefined && !idOf(read).startsWith(id)) return false
  if (sender !== undefined && !('sender' in record && record.sender === sender)) return false
  if (code === undefined) return true
  return 'code' in record && (record.code ?? 'accepted') === code
}

interface VerifyFlags extends TrustFlags {
  readonly witness?: readonly NoteKey[]
  readonly seen?: readonly string[]
  readonly proof?: string
}

function addVerify(audit: Command): void {
  const verify = audit
    .command('verify')
    .description('check a log whole, or a proof of one record, and say what is wrong and where')
    .argument('[node]', 'whose log (default: the only one of this home)', nameArgument)
    .option(
      '--witness <key>',
      'a witness who must have signed; repeatable',
      repeated(noteKeyArgument),
    )
    .option('--seen <file>', 'a checkpoint that was seen of it; repeatable', repeated(String))
    .option('--proof <file>', 'check a proof of one record instead, or - for input')
  addTrustOptions(addLogOptions(verify))
    .addHelpText('after', VERIFY_HELP)
    .action(async (node: Name | undefined, flags: VerifyFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      if (flags.proof !== undefined && flags.seen !== undefined) {
        const reason = 'a proof says nothing of how its checkpoint and another one hang together'
        throw new ArgumentError('usage', `Cannot use --seen with --proof: ${reason}`)
      }
      const home = await openHome()
      const source = await openSource(home, node, flags)
      const trust = await trustOf(home, source, flags)
      const { witness: witnesses = [] } = flags
      if (flags.proof !== undefined) {
        const { read, size } = await readProof(await readText(flags.proof), trust, witnesses)
        const names = witnesses.map((key) => key.name)
        const by = names.length === 0 ? '' : `, cosigned by ${names.join(', ')}`
        const head = printable(`proven: record ${read.index} of ${size} in ${trust.key.name}${by}`)
        output.print(
          { ...recordJson(read), size, witnesses: names },
          `${head}\n${recordBlocks([read])}`,
        )
        return
      }
      const seen: string[] = []
      for (const file of flags.seen ?? []) seen.push(await readText(file))
      const verified = await verifySource(home, source, { trust, witnesses, seen })
      output.print(verifiedJson(verified), verifiedText(verified))
      if (!verified.isWhole) process.exitCode = 1
    })
}

function addProve(audit: Command): void {
  const prove = audit
    .command('prove')
    .description('prove to others that one record stands in a log')
    .argument('<record>', 'its number, or the beginning of the id that it is about')
    .argument('[node]', 'whose log (default: the only one of this home)', nameArgument)
  addLogOptions(prove)
    .addHelpText('after', PROVE_HELP)
    .action(async (record: string, node: Name | undefined, flags: LogFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { log } = await openSource(await openHome(), node, flags)
      const { index, size, text } = await proveRecord(log, record)
      output.print({ record: index, size, proof: text }, text.trimEnd())
    })
}

interface WitnessFlags extends TrustFlags {
  readonly as?: Name
  readonly request?: string
  readonly attach?: string
}

function addWitness(audit: Command): void {
  const witness = audit
    .command('witness')
    .description('cosign a log’s newest checkpoint, or keep what witnesses signed')
    .argument('[node]', 'whose log (default: the only one of this home)', nameArgument)
    .option('--as <name>', 'the witness; its key lies in this home', nameArgument)
    .option('--request <file>', 'what the log’s owner asks or asked, or - for input')
    .option('--attach <file>', 'lines of signature that witnesses gave to the request')
  addTrustOptions(addLogOptions(witness))
    .addHelpText('after', WITNESS_HELP)
    .action(async (node: Name | undefined, flags: WitnessFlags, command: Command) => {
      if (flags.attach !== undefined) await attach(node, flags, command)
      else await cosignLog(node, flags, command)
    })
}

async function cosignLog(
  node: Name | undefined,
  flags: WitnessFlags,
  command: Command,
): Promise<void> {
  const { output, openHome } = invocationOf(command)
  if (flags.as === undefined) {
    throw new ArgumentError('usage', 'Cannot witness: say who does, with --as')
  }
  const home = await openHome()
  const source = await openSource(home, node, flags)
  const trust = await trustOf(home, source, flags)
  const request =
    flags.request === undefined
      ? await requestFor(source.log, await sizeSeen(home, flags.as, trust))
      : parseWitnessRequest(await readText(flags.request))
  const cosigned = await cosignRequest(home, flags.as, { request, trust })
  const { checkpoint, line, before } = cosigned
  const { publicKey } = await home.readSigner(flags.as)
  const key = formatNoteKey({ name: flags.as, use: 'cosignature', publicKey }, nodeSha256)
  const { origin: log, size } = checkpoint
  const record = { log, size, before, witness: key, signature: line.trimEnd() }
  if (flags.request !== undefined) return output.print(record, line.trimEnd())
  await source.log.keepCosigned(formatSignedCheckpoint(cosigned.checkpoint))
  const seen = `cosigned ${log} at ${size} records; before: ${before}`
  output.print(record, `${seen}\nyour key for its readers: ${key}`)
}

async function attach(
  node: Name | undefined,
  flags: WitnessFlags,
  command: Command,
): Promise<void> {
  const { output, openHome } = invocationOf(command)
  if (flags.request === undefined) {
    // The log's newest checkpoint may be another by now, and the lines are worth nothing under it.
    throw new ArgumentError('usage', 'Cannot keep lines: say what they answer, with --request')
  }
  const home = await openHome()
  const source = await openSource(home, node, flags)
  const trust = await trustOf(home, source, flags)
  const { checkpoint } = parseWitnessRequest(await readText(flags.request))
  const cosigned = await withLines(checkpoint, await readText(flags.attach!), trust)
  await source.log.keepCosigned(formatSignedCheckpoint(cosigned))
  const { origin: log, size } = cosigned
  const names = cosigned.note.signatures.slice(1).map(({ name }) => name)
  output.print(
    { log, size, witnesses: names },
    printable(`kept beside ${log}: ${names.join(', ')}`),
  )
}

async function readText(file: string): Promise<string> {
  return Buffer.from(await readInput(file, TEXT_BYTES_MAX)).toString()
}
