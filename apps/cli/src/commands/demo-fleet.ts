import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Option, type Command } from 'commander'
import { addressArgument, numberArgument, repeated } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { runFleetRole } from '../demo/fleet/fleet-role.ts'
import { GARAGES, THIEF_ROLE } from '../demo/fleet/names.ts'
import { THEFT_MS, type Theft } from '../demo/fleet/theft-report.ts'
import { type FleetEvent, runFleet } from '../demo/fleet/run-fleet.ts'
import { Output } from '../output.ts'

interface FleetFlags {
  readonly json?: boolean
  readonly page: string
  readonly port: number
  readonly open: boolean
  readonly role?: string
  readonly home?: string
  readonly connect?: readonly string[]
}

/** The page as `npm run demo:fleet` builds it, in the same checkout. */
const PAGE = fileURLToPath(new URL('../../../page/dist/site', import.meta.url))

/** Registers `demo fleet`. */
export function addDemoFleet(demo: Command): void {
  demo
    .command('fleet')
    .description('robots on a warehouse floor, and a link to join them in a browser')
    .option('--page <folder>', 'the built web page', PAGE)
    .option('--port <port>', 'where it is served', numberArgument({ min: 0, max: 65_535 }), 8_088)
    .option('--no-open', 'only print the link')
    .addOption(
      new Option('--role <role>', 'run one process of it in --home').choices([
        'dispatch',
        ...GARAGES,
        THIEF_ROLE,
      ]),
    )
    .option('--home <folder>', 'the folder of the whole fleet, with --role')
    .option('--connect <address>', 'a relay, with --role; repeatable', repeated(addressArgument))
    .option('--json', 'one object a line')
    .addHelpText('after', '\nExample:\n  $ ixj demo fleet --port 8088')
    .action(async (_own: FleetFlags, command: Command) => {
      const flags = command.optsWithGlobals<FleetFlags>()
      const ending = new AbortController()
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => ending.abort())
      }
      if (flags.role === undefined) await showFleet(flags, ending.signal)
      else await runRole(flags.role, flags, ending)
    })
}

async function showFleet(flags: FleetFlags, signal: AbortSignal): Promise<void> {
  if (!existsSync(join(flags.page, 'index.html'))) {
    const reason = 'build it first: npm run build:page'
    throw new CommandError(
      'absent',
      `Cannot show the page: there is none in ${flags.page}; ${reason}`,
    )
  }
  await runFleet({
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    page: flags.page,
    port: flags.port,
    signal,
    hear: (event) => {
      process.stdout.write(`${flags.json === true ? JSON.stringify(event) : textOf(event)}\n`)
      if (event.event === 'link' && flags.open) openInBrowser(event.link)
    },
  })
}

async function runRole(role: string, flags: FleetFlags, ending: AbortController): Promise<void> {
  if (process.connected) process.once('disconnect', () => ending.abort())
  process.channel?.unref()
  const { home = '', connect = [] } = flags
  try {
    await runFleetRole(role, { fleet: home, connect, signal: ending.signal })
  } catch (cause) {
    // What is open would keep the process alive, and nobody would learn that it has failed.
    process.exit(new Output({ json: false }).fail(cause))
  }
}

function textOf(event: FleetEvent): string {
  switch (event.event) {
    case 'ready':
      return `${event.robots} robots work, in ${event.processes} processes with the relays`
    case 'link':
      return `Join them as ${event.name}, once, from one browser:\n\n  ${event.link}\n\nCtrl-C ends it.`
    case 'joined':
      return `${event.name} has joined`
    case 'theft':
      return theftText(event)
  }
}

function theftText({ name, tried, letIn, refusedBy }: Theft): string {
  const width = Math.max(...refusedBy.map(({ role }) => role.length))
  const by = refusedBy.map(({ role, count, firstMs }) => {
    const first = firstMs === null ? '' : `, the first after ${Math.round(firstMs)} ms`
    return `  ${role.padEnd(width)}  ${count}${first}`
  })
  return [
    `${name} is revoked. A thief has a copy of its key, and goes on:`,
    `  ${tried} messages in ${THEFT_MS / 1_000} s, of which ${letIn} were let in anywhere; refused by`,
    ...by,
  ].join('\n')
}

/** Where there is a desktop with a browser; elsewhere the link was printed. */
function openInBrowser(link: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [link], { stdio: 'ignore', detached: true })
  child.once('error', () => 'there is no such program here')
  child.unref()
}
