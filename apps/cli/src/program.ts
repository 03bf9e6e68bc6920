import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { folderArgument, markKeys } from './arguments.ts'
import { addAgent } from './commands/agent.ts'
import { addAnswer } from './commands/answer.ts'
import { addApprove } from './commands/approve.ts'
import { addAudit } from './commands/audit.ts'
import { addBench } from './commands/bench.ts'
import { addBind } from './commands/bind.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExplain } from './commands/explain.ts'
import { addFanOut } from './commands/fanout.ts'
import { addGather } from './commands/gather.ts'
import { addGrant } from './commands/grant.ts'
import { addGrants } from './commands/grants.ts'
import { addKey } from './commands/key.ts'
import { addNode } from './commands/node.ts'
import { addPolicy } from './commands/policy.ts'
import { addPub } from './commands/pub.ts'
import { addRequest } from './commands/request.ts'
import { addResolve } from './commands/resolve.ts'
import { addRevoke } from './commands/revoke.ts'
import { addSend } from './commands/send.ts'
import { addSub } from './commands/sub.ts'
import { addTrust } from './commands/trust.ts'
import { addWhocan } from './commands/whocan.ts'
import { addZone } from './commands/zone.ts'
import { ArgumentError, failureOf } from './command-error.ts'
import { Output } from './output.ts'

/** Commands that need nothing of the demonstration, whose code takes half a second to load. */
const WITHOUT_DEMO: readonly string[] = [
  'agent',
  'answer',
  'approve',
  'audit',
  'bench',
  'bind',
  'doctor',
  'explain',
  'fanout',
  'gather',
  'grant',
  'grants',
  'key',
  'node',
  'policy',
  'pub',
  'request',
  'resolve',
  'revoke',
  'send',
  'sub',
  'trust',
  'whocan',
  'zone',
]

/** Runs one command line, without `node` and the script; gives the exit code. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const program = await makeProgram(words)
  try {
    await program.parseAsync(markKeys(words), { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return 0
    // No command was given: commander has shown what there is.
    if (cause instanceof CommanderError && cause.code === 'commander.help') return 2
    const beforeText = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length)
    return new Output({ json: beforeText.includes('--json') }).fail(
      withHelp(cause, { program, words }),
    )
  }
}

/** A command line that commander refuses, with where to read what it should be. */
function withHelp(
  cause: unknown,
  { program, words }: { readonly program: Command; readonly words: readonly string[] },
): unknown {
  const failure = cause instanceof CommanderError ? failureOf(cause) : undefined
  if (failure === undefined) return cause
  let command = program
  const path = ['ixj']
  for (const word of words) {
    const below = command.commands.find((each) => each.name() === word)
    if (below === undefined) continue
    command = below
    path.push(word)
  }
  const message = `${failure.message}; see: ${path.join(' ')} --help`
  return new ArgumentError(failure.code, message, { cause })
}

async function makeProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('ixj')
    .description(
      'Agents talk one to one, one to many, many to one and many to many; every message\nproves who said it, for whom and under which grant.',
    )
    .version(readVersion(), '-V, --version', 'tell the version')
    .option(
      '--home <folder>',
      'keys, statements, trust and policy (default: ~/.ixj)',
      folderArgument,
    )
    .option('--json', 'one object a line instead of text')
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: 80,
      // What a command takes is told by its own help; here it would leave no room for what it does.
      subcommandTerm: (command) => command.name(),
    })
    // Failures are told by one place, ours; help is commander's.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 refused or failed, 2 wrong command line.\nMore on each: ixj help COMMAND.\nExample:\n  $ ixj key new acme.example',
    )
  program.commandsGroup('Names and rights:')
  addKey(program)
  addBind(program)
  addGrant(program)
  addRevoke(program)
  program.commandsGroup('Trust and policy:')
  addTrust(program)
  addPolicy(program)
  program.commandsGroup('On the mesh:')
  addNode(program)
  addSub(program)
  addPub(program)
  addSend(program)
  addRequest(program)
  addAnswer(program)
  addFanOut(program)
  addGather(program)
  addApprove(program)
  program.commandsGroup('Who, why, and what was done:')
  addExplain(program)
  addGrants(program)
  addWhocan(program)
  addAudit(program)
  program.commandsGroup('Names in the DNS:')
  addZone(program)
  addAgent(program)
  addResolve(program)
  addDoctor(program)
  program.commandsGroup('More:')
  addBench(program)
  program.addHelpCommand(
    new Command('help')
      .argument('[command]')
      .description('tell more of a command')
      .helpGroup('More:'),
  )
  const verb = words.find((word, index) => !word.startsWith('-') && words[index - 1] !== '--home')
  if (verb === undefined || !WITHOUT_DEMO.includes(verb)) {
    const { addDemo } = await import('./commands/demo.ts')
    addDemo(program)
  }
  return program
}

/** From the package's own description, so that it is told in one place. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
