import type { Name } from '@ixj/names'
import { type Home, zoneNames, zonePaths, type ZoneSettings } from '@ixj/node/home'
import { type Command, Option } from 'commander'
import { nameArgument, repeated } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { printable } from '../output.ts'
import { untilStopped } from '../session.ts'
import { EXPORTS, exportZone } from '../zones/export-zone.ts'
import { openZone, zoneSettings } from '../zones/managed-zone.ts'
import { LISTEN_DEFAULT, type MadeZone, makeZone, type NewZoneFlags } from '../zones/new-zone.ts'
import { type ServeFlags, serveZones } from '../zones/serve-zones.ts'
import {
  nameRecord,
  nameTable,
  recordRecord,
  recordTable,
  shownRecords,
} from '../zones/show-zone.ts'
import {
  mailboxArgument,
  nameserverArgument,
  placeArgument,
  placeText,
} from '../zones/zone-arguments.ts'
import { addSlices } from './zone-slice.ts'

const INIT_HELP = `
Back-ends:
  embedded  this home serves the zone and signs it: ixj zone serve
  rfc2136   a server that takes updates keeps it, as BIND (inline-signing no) or Knot
  file      a zone file that you hand to whoever serves the zone: managed DNS

The zone's key is trusted here from then on, as your own organisation's, unless a zone above it is.

Examples:
  $ ixj zone init acme.example
  $ ixj zone init acme.example --listen 0.0.0.0:53 --ns ns1.acme.example=192.0.2.1
  $ ixj zone init acme.example --backend rfc2136 --server 192.0.2.1:53 --key tools.key
  $ ixj zone init acme.example --backend file --file acme.zone --ns ns1.provider.example`

const SERVE_HELP = `
It answers over UDP and TCP where each zone was told to listen, ends leases that nobody renews, and
moves rotations of keys on. Of zones that others serve it keeps the leases alone.
Secondaries are told of changes, and copy zones with a key of --transfer-key (as tsig-keygen writes).

Examples:
  $ ixj zone serve
  $ ixj zone serve acme.example --listen 192.0.2.1:53 --secondary 192.0.2.2:53 --transfer-key ns2.key
  $ ixj zone serve --https 127.0.0.1:8443`

const EXPORT_HELP = `
  zone        its records, as a zone file
  anchor      its key, for those who trust it: ixj trust anchor add NAME --zone FILE; Unbound too
  delv        the same, for BIND's delv and named
  ds          the DS records, for the zone above
  acceptance  name servers, DS and addresses, for the zone above: ixj zone delegate

Examples:
  $ ixj zone export acme.example --as anchor > acme.anchor
  $ ixj zone export acme.example`

/** Registers `zone init`, `serve`, `show`, `export`, `list`, `delegate`, `accept`, `undelegate`. */
export function addZone(program: Command): void {
  const zone = program.command('zone').description('zones of the DNS that this home keeps')
  addInit(zone)
  addServe(zone)
  addShow(zone)
  addExport(zone)
  addList(zone)
  addSlices(zone)
}

function addInit(zone: Command): void {
  zone
    .command('init')
    .description('begin to keep a zone: names at it and below it')
    .argument('<zone>', 'the name of the zone', nameArgument)
    .addOption(
      new Option('--backend <kind>', 'who serves it')
        .choices(['embedded', 'rfc2136', 'file'])
        .default('embedded'),
    )
    .option(
      '--listen <place>',
      `embedded: where it is served (default: ${LISTEN_DEFAULT.address}:${LISTEN_DEFAULT.port})`,
      placeArgument,
    )
    .option(
      '--ns <server>',
      'a name server, as ns1.acme.example=192.0.2.1; repeatable',
      repeated(nameserverArgument),
    )
    .option('--mailbox <address>', 'who answers for it (default: hostmaster@ZONE)', mailboxArgument)
    .option('--server <place>', 'rfc2136: the primary, as 192.0.2.1:53', placeArgument)
    .option('--key <file>', 'rfc2136: the key that may update and copy the zone')
    .option('--file <file>', 'file: where the zone file lies (default: in this home)')
    .option('--no-anchor', 'do not trust its key')
    .addHelpText('after', INIT_HELP)
    .action(async (name: Name, flags: NewZoneFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const made = await makeZone(home, name, flags)
      const { updateKey } = zonePaths(home, name)
      const { backend, server, file } = made.settings
      output.print(
        {
          zone: name,
          backend,
          server: server === null ? null : { ...server },
          file,
          trust: made.trust.kind,
          updateKey: backend === 'file' ? null : updateKey,
        },
        madeText(made, updateKey),
      )
    })
}

function madeText({ settings, trust }: MadeZone, updateKey: string): string {
  const { zone, backend, server, file } = settings
  const place = server === null ? printable(file ?? '') : placeText(server)
  const lines = [`zone ${zone}, ${KINDS[backend]} ${place}`]
  if (trust.kind === 'own') lines.push('  trust   its key, as your own organisation')
  if (trust.kind === 'before') lines.push('  trust   its key, as before')
  if (trust.kind === 'above') {
    lines.push(`  trust   through ${trust.anchor}, once that delegates it: ixj zone accept ${zone}`)
  }
  if (backend !== 'file') lines.push(`  update  with the key in ${printable(updateKey)}`)
  if (backend === 'embedded') lines.push('  next    ixj zone serve')
  lines.push(`  ${backend === 'embedded' ? 'then' : 'next'}    ixj agent add NAME.${zone}`)
  return lines.join('\n')
}

const KINDS = { embedded: 'served at', rfc2136: 'on the server', file: 'in the file' } as const

function addServe(zone: Command): void {
  zone
    .command('serve')
    .description('serve zones, and keep their leases, until SIGINT or SIGTERM')
    .argument('[zones...]', 'which (default: all of this home)')
    .option('--listen <place>', 'a further address and port; repeatable', repeated(placeArgument))
    .option('--https <place>', 'answer over HTTPS too, for browsers', placeArgument)
    .option('--https-key <file>', 'its key, PEM; without one it is HTTP, for a proxy')
    .option('--https-certificate <file>', 'its certificate, PEM')
    .option(
      '--secondary <place>',
      'a server that copies zones; repeatable',
      repeated(placeArgument),
    )
    .option('--transfer-key <file>', 'a key that may copy zones; repeatable', repeated(String))
    .addHelpText('after', SERVE_HELP)
    .action(async (words: readonly string[], flags: ServeFlags, command: Command) => {
      const names = words.map((word) => nameArgument(word))
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      const home = await openHome()
      await serveZones(home, await chosenZones(home, names), { flags, output, stopped })
      output.print({ event: 'stopped' }, 'stopped')
    })
}

/** The zones that were named, or all. @throws CommandError `absent` if there is none */
async function chosenZones(home: Home, names: readonly Name[]): Promise<readonly ZoneSettings[]> {
  const chosen = names.length === 0 ? await zoneNames(home) : [...new Set(names)]
  if (chosen.length === 0) {
    throw new CommandError(
      'absent',
      'Cannot find a zone in this home; make one: ixj zone init ZONE',
    )
  }
  return await Promise.all(chosen.map((name) => zoneSettings(home, name)))
}

function addShow(zone: Command): void {
  zone
    .command('show')
    .description('show the records of a zone, whose they are, and until when')
    .argument('<zone>', 'the name of the zone', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj zone show acme.example')
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await using zoneOpen = await openZone(home, await zoneSettings(home, name), { output })
      const { backend, names, leases } = zoneOpen
      const [records, listing] = [await backend.list(), await names.list()]
      const shown = shownRecords(records, listing, leases)
      if (output.json) {
        for (const each of shown) output.print(recordRecord(each), '')
        for (const each of listing.names) output.print(nameRecord(name, each), '')
        return
      }
      output.print({}, recordTable(shown))
      if (listing.names.length > 0) output.print({}, `\n${nameTable(listing.names)}`)
    })
}

function addExport(zone: Command): void {
  zone
    .command('export')
    .description('print a zone, or its key, in the form that others take')
    .argument('<zone>', 'the name of the zone', nameArgument)
    .addOption(new Option('--as <form>', 'which form').choices(EXPORTS).default('zone'))
    .addHelpText('after', EXPORT_HELP)
    .action(async (name: Name, { as }: { as: (typeof EXPORTS)[number] }, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const text = await exportZone(home, await zoneSettings(home, name), { as, output })
      output.print({ zone: name, as, text }, text.trimEnd())
    })
}

function addList(zone: Command): void {
  zone
    .command('list')
    .description('list the zones of this home')
    .addHelpText('after', '\nExample:\n  $ ixj zone list')
    .action(async (_options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const names = await zoneNames(home)
      if (names.length === 0) output.note({}, 'This home keeps no zone yet: ixj zone init')
      for (const name of names) {
        const { backend, server, file } = await zoneSettings(home, name)
        const place = server === null ? (file ?? '') : placeText(server)
        output.print(
          { zone: name, backend, server: server === null ? null : { ...server }, file },
          printable(`${name}  ${KINDS[backend]} ${place}`),
        )
      }
    })
}
