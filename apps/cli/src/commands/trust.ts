import { type DnsName, openSecureNames } from '@ixj/dns'
import type { Name, Pattern } from '@ixj/names'
import { type Home, rootRecordsOf, systemClock } from '@ixj/node/home'
import {
  type AnchorFields,
  FRESHNESS_RULES,
  type FreshnessRule,
  type Purpose,
  PURPOSES,
  type RootAnchorFields,
} from '@ixj/trust'
import { type Command, Option } from 'commander'
import {
  addAnchor,
  addRoot,
  anchorRecord,
  anchorBlocks,
  listedRoot,
  ROOT_NAME,
  userName,
  zoneFields,
} from '../anchors.ts'
import { digestArgument, keyArgument, nameArgument, patternsArgument } from '../arguments.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { dnsNameArgument } from '../dns-arguments.ts'
import { invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import { addTrustCross } from './trust-cross.ts'
import { purposesArgument } from './trust-purposes.ts'

/** Bytes of a file with the keys of zones. */
const ZONE_FILE_BYTES_MAX = 262_144

type Key = Uint8Array
type AnchorName = Name | typeof ROOT_NAME

interface AddFlags {
  readonly own?: boolean
  readonly zone?: string
  readonly names?: readonly Pattern[]
  readonly purposes?: readonly Purpose[]
  readonly freshness?: FreshnessRule
  readonly next?: Uint8Array
}

const ADD_HELP = `
Purposes: connect (its nodes may connect), send (its names count as senders), grant (what its names
grant counts here). Default: connect,send; with --own all three.
Freshness: what is asked of the statuses by which its names tell what they revoked. required: a fresh
one before anything; when-known (default): once one was heard; off: known revocations alone.
With --next, the key whose SHA-256 that is takes over when both sign so, and no other ever does.
With --zone, keys are those that the name's DNS zone publishes, signed: for itself and for names
below it. The file has DNSKEY or DS lines of the zone; its owner exports them, and hands them over on
a way that you trust: ixj zone export NAME --as anchor
The root of the DNS (.) decides about names that no anchor is above and no cross-certificate leads
to: whoever owns them there then counts. Its keys are those of ICANN, or those of --zone.

Examples:
  $ ixj trust anchor add acme.example --own
  $ ixj trust anchor add globex.example KEY --names 'counsel.globex.example,*.nodes.globex.example'
  $ ixj trust anchor add globex.example --zone globex.anchor
  $ ixj trust anchor add .`

const FORGET_HELP = `
A zone that was seen signed is never taken without signatures again, so that nobody can strip them.
If its owner has really ended signing, forget it here: it, and all zones below it.

Example:
  $ ixj trust forget globex.example`

/** Registers `trust anchor add`, `list` and `remove`, `trust forget`, and what is of cross-certificates. */
export function addTrust(program: Command): void {
  const trust = program.command('trust').description('whom this home trusts, by your own decision')
  const anchor = trust.command('anchor').description('names and keys that you trust')
  anchor
    .command('add')
    .description('trust a name with a key, and with it names below it')
    .argument('<name>', 'the name at the top; . for the root of the DNS', anchorArgument)
    .argument('[key]', 'its public key; default: of its key in this home', keyArgument)
    .option('--own', 'it is your own organisation: for all purposes')
    .option(
      '--zone <file>',
      'trust what its DNS zone publishes: DNSKEY or DS lines, or - for input',
    )
    .option(
      '--names <patterns>',
      'what it may speak for (default: itself and all below)',
      patternsArgument,
    )
    .option('--purposes <purposes>', 'what for', purposesArgument)
    .addOption(
      new Option('--freshness <rule>', 'what is asked of its statuses').choices(FRESHNESS_RULES),
    )
    .option('--next <sha256>', 'SHA-256 of its next key, 64 hexadecimal digits', digestArgument)
    .addHelpText('after', ADD_HELP)
    .action(async (name: AnchorName, key: Key | undefined, flags: AddFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const added =
        name === ROOT_NAME
          ? await addRoot(home, await rootFieldsOf(key, flags))
          : await addAnchor(home, await fieldsOf(home, { name, key, flags }))
      output.print(anchorRecord(added), `trusted from now on:\n${anchorBlocks([added])}`)
    })
  anchor
    .command('list')
    .description('list whom this home trusts')
    .addHelpText('after', '\nExample:\n  $ ixj trust anchor list')
    .action(async (_options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { list: named, root } = await (await openHome()).readAnchors()
      const list = [...(root === undefined ? [] : [listedRoot(root)]), ...named]
      if (output.json) for (const each of list) output.print(anchorRecord(each), '')
      else if (list.length > 0) output.print({}, anchorBlocks(list))
      else output.note({}, 'This home trusts nobody yet: ixj trust anchor add')
    })
  anchor
    .command('remove')
    .description('trust a name no longer')
    .argument('<name>', 'the name of the anchor; . for the root of the DNS', anchorArgument)
    .addHelpText('after', '\nExample:\n  $ ixj trust anchor remove globex.example')
    .action(async (name: AnchorName, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await home.updateAnchors((anchors) => {
        if (name === ROOT_NAME) {
          if (anchors.root !== undefined) return anchors.withRoot(undefined)
          throw new CommandError('absent', 'Cannot remove the root of the DNS: it is not trusted')
        }
        if (anchors.get(name) !== undefined) return anchors.without(name)
        throw new CommandError('absent', `Cannot remove the anchor ${name}: there is none`)
      })
      output.print({ name, removed: true }, `no longer trusted: ${name}`)
    })
  addTrustCross(trust)
  addForget(trust)
}

function addForget(trust: Command): void {
  trust
    .command('forget')
    .description('forget that a zone, and zones below it, were seen signed')
    .argument('<name>', 'the name of the zone', dnsNameArgument)
    .addHelpText('after', FORGET_HELP)
    .action(async (name: DnsName, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const zones = openSecureNames((await openHome()).secureNamesPath).forget(name)
      if (zones.length === 0) {
        const reason = 'neither it nor a zone below it was seen signed'
        throw new CommandError('absent', `Cannot forget ${name}: ${reason}`)
      }
      for (const zone of zones.toSorted()) {
        output.print({ zone, forgotten: true }, `forgotten: ${zone} may come without signatures`)
      }
    })
}

async function fieldsOf(
  home: Home,
  given: { readonly name: Name; readonly key: Uint8Array | undefined; readonly flags: AddFlags },
): Promise<AnchorFields> {
  const { name, key, flags } = given
  if (flags.own === true && flags.purposes !== undefined) {
    throw new ArgumentError('usage', 'Cannot use --own with --purposes: it means all of them')
  }
  if (flags.zone !== undefined && key !== undefined) {
    throw new ArgumentError('usage', 'Cannot use --zone with a key: an anchor is one or the other')
  }
  const purposes = flags.own === true ? PURPOSES : flags.purposes
  const trusted =
    flags.zone === undefined
      ? { name, keys: [key ?? (await ownKey(home, name))] }
      : zoneFields(await readZoneText(flags.zone), name)
  return {
    ...trusted,
    ...(flags.names === undefined ? {} : { names: flags.names }),
    ...(purposes === undefined ? {} : { purposes }),
    ...(flags.freshness === undefined ? {} : { freshness: flags.freshness }),
    ...(flags.next === undefined ? {} : { next: flags.next }),
    addedAt: systemClock.now(),
    addedBy: userName(),
  }
}

/** Its names are all that nothing else decides about, and it is nobody's own organisation. */
async function rootFieldsOf(key: Key | undefined, flags: AddFlags): Promise<RootAnchorFields> {
  if (key !== undefined || flags.own === true || flags.names !== undefined) {
    const reason = 'it takes --zone and --purposes alone'
    throw new ArgumentError('usage', `Cannot trust the root of the DNS: ${reason}`)
  }
  const { zone, purposes } = flags
  const given = zone === undefined ? undefined : rootRecordsOf(await readZoneText(zone))
  if (zone !== undefined && given === undefined) {
    throw new CommandError(
      'absent',
      `Cannot find the root of the DNS in ${zone}: no line is of "."`,
    )
  }
  return {
    ...(given === undefined ? {} : { records: given }),
    ...(purposes === undefined ? {} : { purposes }),
    addedAt: systemClock.now(),
    addedBy: userName(),
  }
}

function anchorArgument(text: string): AnchorName {
  return text === ROOT_NAME ? text : nameArgument(text)
}

async function readZoneText(file: string): Promise<string> {
  return Buffer.from(await readInput(file, ZONE_FILE_BYTES_MAX)).toString()
}

async function ownKey(home: Home, name: Name): Promise<Uint8Array> {
  if ((await home.keyNames()).includes(name)) return (await home.readSigner(name)).publicKey
  const remedy = 'give the key that its owner told you'
  throw new ArgumentError(
    'usage',
    `Cannot add the anchor ${name}: this home has no key of it; ${remedy}`,
  )
}
