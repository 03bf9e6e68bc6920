import { Argument, Option, type Command } from 'commander'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import picocolors from 'picocolors'
import { aborted } from '../demo/addresses.ts'
import { runLicences, type LicencesReport } from '../demo/coordinator.ts'
import { ROLES, type Role, ZONE_ROLES, type ZoneRole } from '../demo/events.ts'
import { progressLine } from '../demo/progress-line.ts'
import { formatReport, formatZones } from '../demo/report.ts'
import { runCounsel } from '../demo/roles/counsel.ts'
import { runLedger } from '../demo/roles/ledger.ts'
import { runMallory } from '../demo/roles/mallory.ts'
import type { RoleOptions } from '../demo/roles/opening.ts'
import { runPlanner } from '../demo/roles/planner.ts'
import { runWorkers } from '../demo/roles/workers.ts'
import { setUpMesh } from '../demo/setup.ts'
import { runZone } from '../demo/zones.ts'
import { Output } from '../output.ts'
import { ArgumentError } from '../command-error.ts'
import { addDemoFleet } from './demo-fleet.ts'

interface LicencesFlags {
  readonly json?: boolean
  readonly attacks: boolean
  readonly stay?: boolean
  readonly home?: string
  readonly role?: Role | ZoneRole | 'setup'
  readonly listen?: readonly string[]
}

/** This project's own packages: the folder beside the workspaces. */
const OWN_PACKAGES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

/** Registers `demo licences`. */
export function addDemo(program: Command): void {
  const demo = program.command('demo').description('whole jobs over a real mesh, to look at')
  addDemoFleet(demo)
  demo
    .command('licences')
    .description('count the licences of installed packages with a crew of agents, then attack it')
    .addArgument(
      new Argument('[folder]', 'a node_modules folder').default(OWN_PACKAGES, 'this project’s own'),
    )
    .addOption(
      new Option('--role <role>', 'run one process of it in --home').choices([
        'setup',
        ...ZONE_ROLES,
        ...ROLES,
      ]),
    )
    .option('--home <folder>', 'the folder of the whole mesh, with --role')
    .option('--listen <address...>', 'multiaddrs to listen on, with --role')
    .option('--no-attacks', 'only the job')
    .option('--stay', 'keep the name servers up afterwards, until Ctrl-C')
    .option('--json', 'one object instead of the report')
    .addHelpText(
      'after',
      '\nExample:\n  $ ixj demo licences\n  $ ixj demo licences ./node_modules --json',
    )
    .action(async (folder: string, _own: LicencesFlags, command: Command) => {
      const flags = command.optsWithGlobals<LicencesFlags>()
      const root = resolve(folder)
      if (flags.role === undefined) await showLicences(root, flags)
      else await runRole(flags.role, root, flags)
    })
}

async function showLicences(root: string, flags: LicencesFlags): Promise<void> {
  const json = flags.json === true
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
  const terminal = process.stderr.isTTY
  const paint = picocolors.createColors(process.stdout.isTTY && !json)
  let isTold = false
  const running = runLicences({
    root,
    attacks: flags.attacks,
    signal: stopping.signal,
    ...(flags.stay === true ? { stay } : {}),
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    hear: (event) => {
      const line = json ? undefined : progressLine(event)
      if (line === undefined) return
      // A live line where somebody looks on; elsewhere a line for each step.
      process.stderr.write(terminal ? `\r\u001B[2K${line}` : `${line}\n`)
    },
  })
  const report = await orStopped(running, stopping.signal).finally(() => {
    if (terminal) process.stderr.write('\r\u001B[2K')
  })
  if (isTold) return
  if (report === undefined) {
    process.stderr.write('stopped\n')
    process.exitCode = 130
    return
  }
  print(report)

  function print(done: LicencesReport): void {
    isTold = true
    process.stdout.write(json ? `${JSON.stringify(done)}\n` : `${formatReport(done, paint)}\n`)
    if (!done.succeeded) process.exitCode = 1
  }

  async function stay(done: LicencesReport): Promise<void> {
    if (terminal) process.stderr.write('\r\u001B[2K')
    print(done)
    process.stderr.write(`${formatZones(done)}\n`)
    await aborted(stopping.signal)
  }
}

/** The report; undefined if somebody stopped the run, which is no failure. */
async function orStopped<T>(running: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await running
  } catch (cause) {
    if (signal.aborted) return undefined
    throw cause
  }
}

async function runRole(
  role: Role | ZoneRole | 'setup',
  root: string,
  flags: LicencesFlags,
): Promise<void> {
  const mesh = flags.home
  if (mesh === undefined) {
    throw new ArgumentError('usage', 'Cannot use --role without --home, the folder of the mesh')
  }
  if (role === 'setup') {
    await setUpMesh(mesh)
    return
  }
  const ending = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort())
  if (process.connected) process.once('disconnect', () => ending.abort())
  process.channel?.unref()
  const options: RoleOptions = {
    mesh,
    listen: flags.listen ?? ['/ip4/127.0.0.1/tcp/0'],
    signal: ending.signal,
  }
  try {
    await runProcess(role, root, options)
  } catch (cause) {
    // What is open would keep the process alive, and nobody would learn that it has failed.
    process.exit(new Output({ json: false }).fail(cause))
  }
}

async function runProcess(
  role: Role | ZoneRole,
  root: string,
  options: RoleOptions,
): Promise<void> {
  switch (role) {
    case 'acme-dns':
    case 'globex-dns': {
      const { mesh, signal } = options
      const [, , address = '127.0.0.1'] = options.listen[0]?.split('/') ?? []
      return await runZone(role, { mesh, address, port: 0, signal })
    }
    case 'planner':
      return await runPlanner({ ...options, root })
    case 'workers-1':
    case 'workers-2':
      return await runWorkers(role, options)
    case 'ledger':
      return await runLedger(options)
    case 'counsel':
      return await runCounsel(options)
    case 'mallory':
      return await runMallory(options)
  }
}
