import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { folderArgument, markKeys } from './arguments.ts'
import { addAgent } from './commands/agent.ts'
import { addApprove } from './commands/approve.ts'
import { addAudit } from './commands/audit.ts'
import { addBind } from './commands/bind.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExplain } from './commands/explain.ts'
import { addGrant } from './commands/grant.ts'
import { addGrants } from './commands/grants.ts'
import { addKey } from './commands/key.ts'
import { addNode } from './commands/node.ts'
import { addPolicy } from './commands/policy.ts'
import { addPub } from './commands/pub.ts'
import { addResolve } from './commands/resolve.ts'
import { addRevoke } from './commands/revoke.ts'
import { addSub } from './commands/sub.ts'
import { addTrust } from './commands/trust.ts'
import { addWhocan } from './commands/whocan.ts'
import { addZone } from './commands/zone.ts'
import { Output } from './output.ts'

/** Commands that need nothing of the demonstration, whose code takes half a second to load. */
const WITHOUT_DEMO: readonly string[] = [
  'agent',
  'approve',
  'audit',
  'bind',
  'doctor',
  'explain',
  'grant',
  'grants',
  'key',
  'node',
  'policy',
  'pub',
  'resolve',
  'revoke',
  'sub',
  'trust',
  'whocan',
  'zone',
]

/** Runs one command line, without `node` and the script; gives the exit code. */
export async function runProgram(words: readonly string[]): Promise<number> {
  try {
    const program = await makeProgram(words)
    await program.parseAsync(markKeys(words), { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return 0
    // No command was given: commander has shown what there is.
    if (cause instanceof CommanderError && cause.code === 'commander.help') return 2
    const beforeText = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length)
    return new Output({ json: beforeText.includes('--json') }).fail(cause)
  }
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
    .configureHelp({ showGlobalOptions: true, sortSubcommands: true })
    // Failures are told by one place, ours; help is commander's.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 refused or failed, 2 wrong command line.\nExample:\n  $ ixj key new acme.example',
    )
  addKey(program)
  addBind(program)
  addGrant(program)
  addGrants(program)
  addWhocan(program)
  addTrust(program)
  addExplain(program)
  addResolve(program)
  addRevoke(program)
  addZone(program)
  addAgent(program)
  addDoctor(program)
  addNode(program)
  addSub(program)
  addPub(program)
  addPolicy(program)
  addApprove(program)
  addAudit(program)
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
