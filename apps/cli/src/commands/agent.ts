import { DnsError, type Published, type RenewOptions } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { type Home, zoneNames } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { columns, type Output } from '../output.ts'
import { untilText } from '../zones/event-text.ts'
import { type ManagedZone, openZone, settingsFor, zoneSettings } from '../zones/managed-zone.ts'
import {
  addLeaseOption,
  addPlaceOptions,
  addPublicationOptions,
  leaseOf,
  type PlaceFlags,
  placesOf,
  publicationOf,
  type PublicationFlags,
} from '../zones/publication-flags.ts'
import { nameRecord, nameTable } from '../zones/show-zone.ts'
import { addInvite } from './agent-invite.ts'
import { addRotate } from './agent-rotate.ts'
import { addSpawn } from './agent-spawn.ts'

const ADD_HELP = `
The name gets a key record in the longest zone of this home at or above it, and stays there until its
lease ends: renew it in time, or take --lease never. Who may receive for it is said by --host;
--endpoint and --address say only where to dial.

Examples:
  $ ixj agent add planner.acme.example
  $ ixj agent add planner.acme.example --uses sign,bind --lease 7d
  $ ixj agent add scout.acme.example --host node1.acme.example --endpoint node1.acme.example:4001
  $ ixj agent add node1.acme.example --ip 192.0.2.7 --lease never
  $ ixj agent add acme.example --key KEY --uses bind --depth 4 --lease never`

const RENEW_HELP = `
Its lease begins anew. With --endpoint, --address or --ip, these take the place of all that it had.

Examples:
  $ ixj agent renew planner.acme.example
  $ ixj agent renew planner.acme.example --lease 7d --endpoint node2.acme.example:4001`

/** Registers `agent add`, `renew`, `rotate`, `suspend`, `resume`, `remove`, `list`, `spawn`, `pool`, `invite`. */
export function addAgent(program: Command): void {
  const agent = program
    .command('agent')
    .description('names that zones of this home publish, and short-lived ones')
  addAdd(agent)
  addRenew(agent)
  addRotate(agent)
  addSuspend(agent)
  addResume(agent)
  addRemove(agent)
  addList(agent)
  addSpawn(agent)
  addInvite(agent)
}

function addAdd(agent: Command): void {
  const command = agent
    .command('add')
    .description('publish a name and its key; who comes first has it')
    .argument('<name>', 'a name at or below a zone of this home', nameArgument)
  addPublicationOptions(command)
    .addHelpText('after', ADD_HELP)
    .action(async (name: Name, flags: PublicationFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const home = await openHome()
      await using zone = await openZone(home, await settingsFor(home, name), { output })
      const { publication, record, isNew } = await publicationOf(home, name, flags)
      const { endsAt } = await zone.names.publish(name, publication)
      const key = toBase64url(record.key)
      const uses = { sign: 'signs', bind: 'binds', both: 'signs and binds' }[record.uses]
      const rows = [
        ['  key', `${key}${isNew ? ' (new, in this home)' : ''}, ${uses}`],
        ['  zone', zone.settings.zone],
        ['  see', seeText(zone, name)],
      ]
      output.print(
        { name, zone: zone.settings.zone, publicKey: key, uses: record.uses, isNew, endsAt },
        `published ${name} ${untilText(endsAt)}\n${columns(rows)}`,
      )
      noteKeeping(zone, { endsAt, output })
    })
}

function seeText({ settings }: ManagedZone, name: Name): string {
  return settings.backend === 'file' ? `ixj zone show ${settings.zone}` : `ixj resolve ${name}`
}

/** A lease that nobody keeps would be a promise that nobody keeps. */
function noteKeeping(
  { settings }: ManagedZone,
  { endsAt, output }: { readonly endsAt: number | null; readonly output: Output },
): void {
  if (settings.backend === 'embedded' || endsAt === null) return
  const text = `Its lease ends only while somebody keeps it: ixj zone serve ${settings.zone}`
  output.note({ note: 'keep-leases', zone: settings.zone }, text)
}

function addRenew(agent: Command): void {
  const command = agent
    .command('renew')
    .description('begin the lease of a name anew, and move the name')
    .argument('<name>', 'a published name', nameArgument)
  addLeaseOption(command, 'as before')
  addPlaceOptions(command)
    .addHelpText('after', RENEW_HELP)
    .action(
      async (
        name: Name,
        flags: PlaceFlags & { readonly lease?: number | 'never' },
        self: Command,
      ) => {
        const places = placesOf(flags)
        const renewal: RenewOptions = {
          ...leaseOf(flags.lease),
          ...(places === undefined ? {} : { places }),
        }
        await change(self, name, {
          run: async ({ names }) => await names.renew(name, renewal),
          tell: (done) => `renewed ${name} ${untilText(done?.endsAt ?? null)}`,
          state: 'published',
        })
      },
    )
}

function addSuspend(agent: Command): void {
  agent
    .command('suspend')
    .description('take a name out of the zone for a while; it stays yours')
    .argument('<name>', 'a published name', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj agent suspend planner.acme.example')
    .action(async (name: Name, _options: object, self: Command) => {
      await change(self, name, {
        run: async ({ names }) => await names.suspend(name),
        tell: () => `suspended ${name}; it comes back with: ixj agent resume ${name}`,
        state: 'suspended',
      })
    })
}

function addResume(agent: Command): void {
  agent
    .command('resume')
    .description('publish a suspended name as it was, with a whole lease')
    .argument('<name>', 'a suspended name', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj agent resume planner.acme.example')
    .action(async (name: Name, _options: object, self: Command) => {
      await change(self, name, {
        run: async ({ names }) => await names.resume(name),
        tell: (done) => `published ${name} again, ${untilText(done?.endsAt ?? null)}`,
        state: 'published',
      })
    })
}

function addRemove(agent: Command): void {
  agent
    .command('remove')
    .description('take a name out of the zone for good')
    .argument('<name>', 'a published or suspended name', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj agent remove planner.acme.example')
    .action(async (name: Name, _options: object, self: Command) => {
      await change(self, name, {
        run: async ({ names }) => await names.remove(name),
        tell: () => `removed ${name}; answers that others keep end within their TTL`,
        state: 'removed',
      })
    })
}

/** Changes one name in its zone, and tells what it is then. */
async function change(
  command: Command,
  name: Name,
  what: {
    readonly run: (zone: ManagedZone) => Promise<Published | void>
    readonly tell: (done: Published | void) => string
    readonly state: string
  },
): Promise<void> {
  const { output, openHome } = invocationOf(command)
  const home = await openHome()
  await using zone = await openZone(home, await settingsFor(home, name), { output })
  const done = await what.run(zone)
  const endsAt = done?.endsAt ?? null
  output.print({ name, zone: zone.settings.zone, state: what.state, endsAt }, what.tell(done))
}

function addList(agent: Command): void {
  agent
    .command('list')
    .description('list the names that zones of this home publish, with their keys')
    .argument('[zone]', 'of one zone (default: of all)', nameArgument)
    .addHelpText('after', '\nExamples:\n  $ ixj agent list\n  $ ixj agent list acme.example --json')
    .action(async (zone: Name | undefined, _options: object, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const home = await openHome()
      const zones = zone === undefined ? await zoneNames(home) : [zone]
      const listed = []
      const failures: unknown[] = []
      for (const each of zones) {
        try {
          listed.push(...(await namesOf(home, each, output)))
        } catch (cause) {
          // One zone that nobody serves hides no other; if it is the only one, it is the answer.
          if (!(cause instanceof DnsError) || zones.length === 1) throw cause
          failures.push(output.fail(cause))
        }
      }
      if (failures.length > 0) process.exitCode = 1
      if (output.json) return
      if (listed.length > 0) output.print({}, nameTable(listed))
      else if (failures.length === 0)
        output.note({}, 'No zone of this home publishes a name yet: ixj agent add')
    })
}

async function namesOf(home: Home, zone: Name, output: Output) {
  await using open = await openZone(home, await zoneSettings(home, zone), { output })
  const { names } = await open.names.list()
  if (output.json) for (const each of names) output.print(nameRecord(zone, each), '')
  return names
}
