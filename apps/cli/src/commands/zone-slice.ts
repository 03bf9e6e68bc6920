import { ACCEPTANCE_TEXT_MAX, type Delegation, parseAcceptance, parseDnsName } from '@ixj/dns'
import { type Name, parentName } from '@ixj/names'
import { type Home, readZoneSettings, zoneFor, type ZoneSettings } from '@ixj/node/home'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import { exportZone } from '../zones/export-zone.ts'
import { openZone, zoneSettings } from '../zones/managed-zone.ts'
import { askOwnServer, stopAsking } from '../zones/zone-trust.ts'
import { type Place, placeArgument } from '../zones/zone-arguments.ts'

const DELEGATE_HELP = `
The file is what its owner's home printed: ixj zone accept CHILD. It says who serves the child and by
which key, so take it from the owner on a way that you trust.

Examples:
  $ ixj zone delegate team.acme.example team.acceptance
  $ ixj zone delegate team.acme.example team.acceptance --ask 127.0.0.1:5301`

interface DelegateFlags {
  readonly replace?: boolean
  readonly ask?: Place
}

/** Registers `zone delegate`, `accept` and `undelegate`. */
export function addSlices(zone: Command): void {
  addDelegate(zone)
  zone
    .command('accept')
    .description('print what the zone above needs to give a zone of yours its place')
    .argument('<child>', 'the zone, kept by this home', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj zone accept team.acme.example > team.acceptance')
    .action(async (child: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const text = await exportZone(home, await zoneSettings(home, child), {
        as: 'acceptance',
        output,
      })
      output.print({ zone: child, as: 'acceptance', text }, text.trimEnd())
    })
  zone
    .command('undelegate')
    .description('take a slice of a zone back: what stands in it is out of the DNS then')
    .argument('<child>', 'the zone below one of yours', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj zone undelegate team.acme.example')
    .action(async (child: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await using parent = await openZone(home, await settingsAbove(home, child), { output })
      await parent.names.undelegate(parseDnsName(child))
      // Whoever serves it still says things that nobody is to believe any more.
      if ((await readZoneSettings(home, child)) === undefined) await stopAsking(home, child)
      const zoneName = parent.settings.zone
      output.print({ zone: zoneName, child, delegated: false }, `${zoneName} has ${child} back`)
    })
}

function addDelegate(zone: Command): void {
  zone
    .command('delegate')
    .description('give a slice of a zone to the server of somebody else')
    .argument('<child>', 'the zone below one of yours', nameArgument)
    .argument('<file>', 'what its owner accepts, or - for the standard input')
    .option('--replace', 'it was given away before: to other servers, or with another key')
    .option('--ask <place>', 'have this home ask there about it, if not at port 53', placeArgument)
    .addHelpText('after', DELEGATE_HELP)
    .action(async (child: Name, file: string, flags: DelegateFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const slice = await readSlice(child, file)
      await using parent = await openZone(home, await settingsAbove(home, child), { output })
      await parent.names.delegate(slice, { replace: flags.replace === true })
      if (flags.ask !== undefined) await askOwnServer(home, child, flags.ask)
      const servers = slice.nameservers.map(({ name }) => name)
      const zoneName = parent.settings.zone
      output.print(
        { zone: zoneName, child, delegated: true, servers, keys: slice.ds.length },
        `${zoneName} has given ${child} to ${servers.join(', ')}`,
      )
    })
}

/** @throws CommandError `absent` if the acceptance is of another zone; DnsError */
async function readSlice(child: Name, file: string): Promise<Delegation> {
  const text = Buffer.from(await readInput(file, ACCEPTANCE_TEXT_MAX)).toString()
  const slice = parseAcceptance(text)
  if (slice.child === parseDnsName(child)) return slice
  const reason = `what its owner accepts is ${slice.child}`
  throw new CommandError('absent', `Cannot delegate ${child}: ${reason}`)
}

/** The longest zone of this home above a child, which may itself be one of this home. */
async function settingsAbove(home: Home, child: Name): Promise<ZoneSettings> {
  const above = parentName(child)
  const zone = above === undefined ? undefined : await zoneFor(home, above)
  if (zone !== undefined) return await zoneSettings(home, zone)
  throw new CommandError('absent', `Cannot find a zone of this home above ${child}`)
}
