import type { SendOptions } from '@ixj/agent'
import { PRIORITY_MAX } from '@ixj/trust'
import { type Command, Option } from 'commander'
import { digestArgument, numberArgument } from './arguments.ts'

/** How a message is sent. */
export interface SendFlags {
  readonly under?: Uint8Array
  readonly class: 'state' | 'event' | 'task'
  readonly priority?: number
  readonly lifespan: number
  readonly seal?: boolean
}

/** A person waits: longer only where it is said. */
const LIFESPAN_SECONDS = 30
const LIFESPAN_SECONDS_MAX = 3_600

/** Adds `--class`, `--priority`, `--lifespan`, `--under` and `--seal` to a command. */
export function addSendOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--class <class>', 'state: only the newest counts; task: sent until acknowledged')
        .choices(['event', 'state', 'task'])
        .default('event'),
    )
    .addOption(
      new Option('--priority <priority>', '0 to 3; above 1 a grant has to say so').argParser(
        numberArgument({ min: 0, max: PRIORITY_MAX }),
      ),
    )
    .addOption(
      new Option('--lifespan <seconds>', 'how long it is worth delivering')
        .argParser(numberArgument({ min: 1, max: LIFESPAN_SECONDS_MAX }))
        .default(LIFESPAN_SECONDS),
    )
    .option('--under <grant>', 'id of the grant to act under, where several fit', digestArgument)
    .option('--seal', 'send it only sealed, so that none but the recipient or the members read it')
}

/** The same for the verbs of an agent. */
export function sendOptions(flags: SendFlags, signal: AbortSignal): SendOptions {
  const { under, priority, lifespan, seal } = flags
  return {
    class: flags.class,
    lifespanMs: lifespan * 1_000,
    signal,
    ...(under === undefined ? {} : { under }),
    ...(priority === undefined ? {} : { priority }),
    ...(seal === true ? { seal } : {}),
  }
}
