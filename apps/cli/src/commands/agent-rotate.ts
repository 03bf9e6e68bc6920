import type { RotateOptions } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { type Home, nodeSha256 } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { keyArgument, nameArgument } from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { nextKeyOf, type WaitingKey } from '../next-key.ts'
import { columns, printable } from '../output.ts'
import { timeText } from '../zones/event-text.ts'
import { openZone, settingsFor } from '../zones/managed-zone.ts'
import { durationArgument } from '../zones/zone-arguments.ts'

const HELP = `
The next key is published beside the old one at once, and counts when every answer without it has
ended: then sign with it. After the overlap the old one is taken out. ixj zone serve moves it on.
Without --next, a key is made and lies in the folder "next" of this home until you put it in place.

Examples:
  $ ixj agent rotate planner.acme.example
  $ ixj agent rotate planner.acme.example --next KEY --overlap 12h`

interface RotateFlags {
  readonly next?: Uint8Array
  readonly replaces?: Uint8Array
  readonly afterNext?: Uint8Array
  readonly overlap?: number
}

/** Registers `agent rotate`. */
export function addRotate(agent: Command): void {
  agent
    .command('rotate')
    .description('give a name its next key, while the old one still counts')
    .argument('<name>', 'a published name', nameArgument)
    .option('--next <key>', 'the next public key; default: a new one in this home', keyArgument)
    .option('--replaces <key>', 'which of its keys goes, if it has several', keyArgument)
    .option('--after-next <key>', 'the key after that one: its hash is published', keyArgument)
    .option(
      '--overlap <time>',
      'how long the old key stays after the next one counts (default: 1h)',
      durationArgument,
    )
    .addHelpText('after', HELP)
    .action(async (name: Name, flags: RotateFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await using zone = await openZone(home, await settingsFor(home, name), { output })
      const made = flags.next === undefined ? await makeNextKey(home, name) : undefined
      const { replaces, afterNext, overlap } = flags
      const options: RotateOptions = {
        nextKey: flags.next ?? made!.publicKey,
        // What the old key opens, the next one does not.
        encryptionKey: made?.encryptionKey ?? null,
        ...(replaces === undefined ? {} : { replaces }),
        ...(afterNext === undefined ? {} : { next: nodeSha256(afterNext) }),
        ...(overlap === undefined ? {} : { overlapSeconds: overlap }),
      }
      const rotation = await zone.names.rotate(name, options)
      const { nextKey, switchAt, dropAt } = rotation
      const [next, old] = [toBase64url(nextKey), toBase64url(rotation.replaces)]
      const rows = [
        ['  next', next, `counts from ${timeText(switchAt)}`],
        ['  old', old, `stays until ${timeText(dropAt)}`],
      ]
      const then =
        made === undefined ? '' : `\n  then  mv ${quoted(made.path)} ${quoted(home.keyPath(name))}`
      output.print(
        { name, nextKey: next, replaces: old, switchAt, dropAt, path: made?.path ?? null },
        `rotating the key of ${name}\n${columns(rows)}${then}`,
      )
    })
}

/** The next key waits until its time comes. */
async function makeNextKey(home: Home, name: Name): Promise<WaitingKey> {
  if ((await home.keyNames()).includes(name)) return await nextKeyOf(home, name)
  const reason = 'this home has no key of it, so give the next one: --next KEY'
  throw new ArgumentError('usage', `Cannot rotate the key of ${name}: ${reason}`)
}

function quoted(path: string): string {
  const safe = printable(path)
  return /^[\w./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`
}
