import { userInfo } from 'node:os'
import type { Name, Pattern } from '@ixj/names'
import { type Home, systemClock } from '@ixj/node/home'
import {
  type Anchor,
  type AnchorFields,
  equalBytes,
  formatDate,
  makeAnchor,
  type Purpose,
  PURPOSES,
  toBase64url,
} from '@ixj/trust'
import type { Command } from 'commander'
import { keyArgument, listArgument, nameArgument, patternsArgument } from '../arguments.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { columns, printable, type Record } from '../output.ts'

interface AddFlags {
  readonly own?: boolean
  readonly names?: readonly Pattern[]
  readonly purposes?: readonly Purpose[]
}

const ADD_HELP = `
Purposes: connect (its nodes may connect), send (its names count as senders), grant (what its names
grant counts here). Default: connect,send; with --own all three.

Examples:
  $ ixj trust anchor add acme.example --own
  $ ixj trust anchor add globex.example KEY --names 'counsel.globex.example,*.nodes.globex.example'`

/** Registers `trust anchor add`, `list` and `remove`. */
export function addTrust(program: Command): void {
  const trust = program.command('trust').description('whom this home trusts, by your own decision')
  const anchor = trust.command('anchor').description('names and keys that you trust')
  anchor
    .command('add')
    .description('trust a name with a key, and with it names below it')
    .argument('<name>', 'the name at the top', nameArgument)
    .argument('[key]', 'its public key; default: of its key in this home', keyArgument)
    .option('--own', 'it is your own organisation: for all purposes')
    .option(
      '--names <patterns>',
      'what it may speak for (default: itself and all below)',
      patternsArgument,
    )
    .option('--purposes <purposes>', 'what for', purposesArgument)
    .addHelpText('after', ADD_HELP)
    .action(async (name: Name, key: Uint8Array | undefined, flags: AddFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const added = await addAnchor(home, await fieldsOf(home, { name, key, flags }))
      output.print(recordOf(added), `trusted from now on:\n${table([added])}`)
    })
  anchor
    .command('list')
    .description('list whom this home trusts')
    .addHelpText('after', '\nExample:\n  $ ixj trust anchor list')
    .action(async (_options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { list } = await (await openHome()).readAnchors()
      if (output.json) for (const each of list) output.print(recordOf(each), '')
      else if (list.length > 0) output.print({}, table(list))
      else output.note({}, 'This home trusts nobody yet: ixj trust anchor add')
    })
  anchor
    .command('remove')
    .description('trust a name no longer')
    .argument('<name>', 'the name of the anchor', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj trust anchor remove globex.example')
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await home.updateAnchors((anchors) => {
        if (anchors.get(name) !== undefined) return anchors.without(name)
        throw new CommandError('absent', `Cannot remove the anchor ${name}: there is none`)
      })
      output.print({ name, removed: true }, `no longer trusted: ${name}`)
    })
}

async function fieldsOf(
  home: Home,
  given: { readonly name: Name; readonly key: Uint8Array | undefined; readonly flags: AddFlags },
): Promise<AnchorFields> {
  const { name, flags } = given
  if (flags.own === true && flags.purposes !== undefined) {
    throw new ArgumentError('usage', 'Cannot use --own with --purposes: it means all of them')
  }
  const purposes = flags.own === true ? PURPOSES : flags.purposes
  return {
    name,
    keys: [given.key ?? (await ownKey(home, name))],
    ...(flags.names === undefined ? {} : { names: flags.names }),
    ...(purposes === undefined ? {} : { purposes }),
    addedAt: systemClock.now(),
    addedBy: userName(),
  }
}

async function ownKey(home: Home, name: Name): Promise<Uint8Array> {
  if ((await home.keyNames()).includes(name)) return (await home.readSigner(name)).publicKey
  const remedy = 'give the key that its owner told you'
  throw new ArgumentError(
    'usage',
    `Cannot add the anchor ${name}: this home has no key of it; ${remedy}`,
  )
}

/** A new key for a name that is trusted already is a decision of its own: it is never slipped in. */
async function addAnchor(home: Home, fields: AnchorFields): Promise<Anchor> {
  const anchor = makeAnchor(fields)
  await home.updateAnchors((anchors) => {
    const before = anchors.get(anchor.name)
    const [key] = anchor.keys
    const same = before?.keys.some((each) => key !== undefined && equalBytes(each, key))
    if (before === undefined || same === true) return anchors.with(anchor)
    const remedy = `if you mean it: ixj trust anchor remove ${anchor.name}`
    throw new CommandError(
      'exists',
      `Cannot add the anchor ${anchor.name}: it is there with another key; ${remedy}`,
    )
  })
  return anchor
}

function purposesArgument(text: string): readonly Purpose[] {
  return listArgument(text).map((word) => {
    const purpose = PURPOSES.find((each) => each === word)
    if (purpose !== undefined) return purpose
    const reason = `${JSON.stringify(word)} is not one of ${PURPOSES.join(', ')}`
    throw new ArgumentError('usage', `Cannot read the purposes: ${reason}`)
  })
}

/** Who decides to trust, for people who read the list later. */
function userName(): string {
  try {
    return userInfo().username.slice(0, 100)
  } catch (cause) {
    // In a container the user may have a number only.
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}

function recordOf(anchor: Anchor): Record {
  const { name, kind, keys, names, purposes, addedAt, addedBy } = anchor
  return {
    name,
    kind,
    keys: keys.map((key) => toBase64url(key)),
    names: [...names],
    purposes: [...purposes],
    addedAt: addedAt ?? null,
    addedBy: addedBy ?? null,
  }
}

function table(list: readonly Anchor[]): string {
  const rows = list.map(({ name, keys, names, purposes, addedAt, addedBy }) => [
    name,
    keys.map((key) => toBase64url(key)).join(' '),
    purposes.join(','),
    names.join(','),
    printable([addedAt === undefined ? '' : formatDate(addedAt), addedBy ?? ''].join(' ').trim()),
  ])
  return columns([['NAME', 'KEY', 'PURPOSES', 'NAMES', 'ADDED'], ...rows])
}
