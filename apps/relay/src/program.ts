import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { effectiveConfiguration, readConfiguration } from './configuration/read-configuration.ts'
import { type Configuration, type Setting, SETTINGS } from './configuration/schema.ts'
import { FILE_VARIABLE } from './configuration/sources.ts'
import { developmentSource, makeDevelopmentHome } from './development.ts'
import { RelayError } from './relay-error.ts'
import { Relay } from './relay.ts'

const HELP = `
Every setting can stand in a file (YAML or JSON), in the environment, or here; a flag counts before
the environment, that before the file. --listen-port is IXJ_RELAY_LISTEN_PORT there, and in a file:

  listen:
    port: 8080

SIGHUP reads certificate, page and policy again. SIGTERM drains and ends, a second one ends at once.
Exit codes: 0 done, 1 failed, 2 wrong configuration.

Examples:
  $ ixj-relay --development
  $ ixj-relay --name relay1.acme.example
  $ ixj-relay --config relay.yaml --check`

/** Runs one command line, without `node` and the script; gives the exit code. */
export async function runProgram(words: readonly string[]): Promise<0 | 1 | 2> {
  const command = makeCommand()
  try {
    command.parse(words, { from: 'user' })
    const { config, check, json, development } = command.opts<ProgramFlags>()
    const configuration = await readConfiguration({
      ...(config === undefined ? {} : { file: config }),
      ...(development === true ? { defaults: developmentSource() } : {}),
      variables: process.env,
      flags: flagsOf(command),
    })
    if (check === true) {
      const shown = effectiveConfiguration(configuration)
      process.stdout.write(json === true ? `${JSON.stringify(shown)}\n` : stringify(shown))
      return 0
    }
    if (development === true) await prepare(configuration)
    return await serve(configuration)
  } catch (cause) {
    return fail(cause, words.includes('--json'))
  }
}

interface ProgramFlags {
  readonly config?: string
  readonly check?: true
  readonly json?: true
  readonly development?: true
}

/** Makes a home to try things out in. */
async function prepare({ home, name }: Configuration): Promise<void> {
  const made = await makeDevelopmentHome(home, name)
  if (made.length > 0) process.stderr.write(`made ${made.join(' and ')} in ${home}\n`)
}

/** Serves until SIGTERM or SIGINT. */
async function serve(configuration: Configuration): Promise<0> {
  const { level } = configuration.log
  const logger = pino({ level, base: { relay: configuration.name } })
  const ending = new AbortController()
  const atOnce = new AbortController()
  const end = (): void => (ending.signal.aborted ? atOnce.abort() : ending.abort())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  await using relay = await Relay.open(configuration, logger)
  const reload = (): void => {
    relay.reload().catch((cause: unknown) => {
      logger.error({ event: 'reload', err: cause }, 'what was read before stays in use')
    })
  }
  process.on('SIGHUP', reload)
  await new Promise<void>((resolve) => {
    if (ending.signal.aborted) resolve()
    else ending.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  process.off('SIGHUP', reload)
  await relay.drain(atOnce.signal)
  logger.info({ event: 'stopped' }, 'stopped')
  return 0
}

function makeCommand(): Command {
  const command = new Command('ixj-relay')
    .description('A node with a door for pages: agents in browsers reach the mesh through it.')
    .version(readVersion(), '-V, --version', 'tell the version')
    .option('--config <file>', `settings in YAML or JSON (${FILE_VARIABLE})`)
    .option('--development', 'make the home and the names that are missing, to try things out')
    .option('--check', 'print the settings that hold, without secrets, and end')
    .option('--json', 'with --check, and for failures: one object a line')
    .configureHelp({ helpWidth: 100 })
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText('after', HELP)
  for (const setting of SETTINGS) command.addOption(optionOf(setting))
  return command
}

function optionOf({ flag, value, description, repeatable }: Setting): Option {
  const option = new Option(
    `${flag} <${value}>`,
    `${description}${repeatable ? '; repeatable' : ''}`,
  )
  return repeatable === true
    ? option.argParser((word: string, before: readonly string[] | undefined) => [
        ...(before ?? []),
        word,
      ])
    : option
}

/** What was given on the command line, by the path of its setting. */
function flagsOf(command: Command): ReadonlyMap<string, unknown> {
  const options = new Map(command.options.map((option) => [option.long, option.attributeName()]))
  const given = command.opts<Record<string, unknown>>()
  return new Map(
    SETTINGS.flatMap(({ flag, path }) => {
      const value = given[options.get(flag) ?? '']
      return value === undefined ? [] : [[path.join('.'), value] as const]
    }),
  )
}

function fail(cause: unknown, json: boolean): 0 | 1 | 2 {
  if (cause instanceof CommanderError && cause.exitCode === 0) return 0
  const tell = (code: string, message: string): void => {
    const line = json
      ? JSON.stringify({ error: { code, message } })
      : `ixj-relay: ${code}: ${message}`
    process.stderr.write(`${line}\n`)
  }
  if (cause instanceof CommanderError) {
    tell('usage', `${cause.message.replace(/^error: /, '')}; see: ixj-relay --help`)
    return 2
  }
  if (cause instanceof RelayError) {
    for (const problem of cause.problems) tell(cause.code, problem)
    return cause.code === 'configuration' ? 2 : 1
  }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  tell(code ?? 'bug', cause instanceof Error ? cause.message : String(cause))
  if (code === undefined && cause instanceof Error) process.stderr.write(`${cause.stack ?? ''}\n`)
  return 1
}

function readVersion(): string {
  const content = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(content) as { readonly version: string }).version
}
