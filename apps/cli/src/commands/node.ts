import type { Name } from '@ixj/names'
import type { Node } from '@ixj/node'
import type { Command } from 'commander'
import { addressArgument, nameArgument, repeated } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import type { Output } from '../output.ts'
import { tellPolicyChanges } from '../policy-changes.ts'
import { tellRefusals, untilStopped } from '../session.ts'

/** How often a node looks who has come and gone. */
const LOOK_MS = 250
const LISTEN_DEFAULT = '/ip4/127.0.0.1/tcp/0'

interface RunFlags {
  readonly name: Name
  readonly listen?: readonly string[]
  readonly connect?: readonly string[]
  readonly join?: readonly Name[]
  readonly explain?: boolean
  readonly seal?: boolean
}

const HELP = `
A node that joins a group carries it: neighbours of it that do not know each other hear each other.
It joins as itself, so its name needs a grant to subscribe.

Example:
  $ ixj node run --name node1.acme.example --listen /ip4/127.0.0.1/tcp/4001 --join crew.acme.example`

/** Registers `node run`. */
export function addNode(program: Command): void {
  const node = program.command('node').description('a process on the mesh')
  node
    .command('run')
    .description('run a node until SIGINT or SIGTERM: it listens, connects, and says what it sees')
    .requiredOption('--name <name>', 'its name; key and statements lie in this home', nameArgument)
    .option(
      '--listen <address>',
      `multiaddr; repeatable (default: ${LISTEN_DEFAULT})`,
      repeated(addressArgument),
    )
    .option(
      '--connect <address>',
      'multiaddr of a neighbour; repeatable',
      repeated(addressArgument),
    )
    .option(
      '--join <topic>',
      'a group that it joins, as itself; repeatable',
      repeated(nameArgument),
    )
    .option('--seal', 'give the members of these groups their secrets, where it may')
    .option('--explain', 'show each refusal as a tree')
    .addHelpText('after', HELP)
    .action(async (flags: RunFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const stopped = untilStopped()
      const home = await openHome()
      const { openNode } = await import('@ixj/node')
      const { name, listen = [LISTEN_DEFAULT], connect = [] } = flags
      await using opened = await openNode({ name, home, listen, connect })
      await runNode(opened, { flags, output, stopped })
      output.print({ event: 'stopped', name }, 'stopped')
    })
}

async function runNode(
  node: Node,
  run: { readonly flags: RunFlags; readonly output: Output; readonly stopped: AbortSignal },
): Promise<void> {
  const { flags, output, stopped } = run
  const refusals = tellRefusals(node.decisions({ signal: stopped }), {
    explain: flags.explain === true,
    paint: output.paint,
    tell: (record, text) => output.print(record, text),
  })
  const changes = tellPolicy(node, output, stopped)
  const sealed = flags.seal === true
  for (const topic of flags.join ?? []) await node.host.self.join(topic, { sealed })
  const { name, addresses } = node
  const lines = addresses.map((address) => `listening  ${address}`)
  output.print({ event: 'listening', name, addresses: [...addresses] }, lines.join('\n'))
  await tellNeighbours(node, output, stopped)
  await Promise.all([refusals, changes])
}

/** Tells what becomes of the policy file until it is stopped; SIGHUP has it read at once. */
async function tellPolicy(node: Node, output: Output, stopped: AbortSignal): Promise<void> {
  const { policy } = node
  if (policy === undefined) return
  const reload = (): void => void policy.reload()
  process.on('SIGHUP', reload)
  try {
    await tellPolicyChanges(policy.changes({ signal: stopped }), {
      paint: output.paint,
      tell: (record, text) => output.print(record, text),
    })
  } finally {
    process.off('SIGHUP', reload)
  }
}

/** Tells who comes and goes until it is stopped. */
async function tellNeighbours(node: Node, output: Output, stopped: AbortSignal): Promise<void> {
  let known: ReadonlySet<Name> = new Set()
  while (!stopped.aborted) {
    const now = new Set(node.neighbours)
    for (const [change, names] of [
      ['joined', [...now].filter((each) => !known.has(each))],
      ['left', [...known].filter((each) => !now.has(each))],
    ] as const) {
      for (const name of names) {
        output.print({ event: 'neighbour', change, name }, `neighbour  ${name} ${change}`)
      }
    }
    known = now
    await pause(LOOK_MS, stopped)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
