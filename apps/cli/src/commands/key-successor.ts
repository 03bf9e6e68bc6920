import type { Name } from '@ixj/names'
import { formatNotice, systemClock } from '@ixj/node/home'
import { toBase64url, toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { writeOutput } from '../named-file.ts'
import { columns, printable } from '../output.ts'
import { commitNext, succeed } from '../succession.ts'
import { timeText } from '../zones/event-text.ts'
import { durationArgument } from '../zones/zone-arguments.ts'

const OVERLAP_SECONDS = 7 * 24 * 3_600

const NEXT_HELP = `
It lies in the folder "next" of this home; put it on a medium of its own if the name matters much.
This home's anchor of the name commits to it. Others do with the digest, and then take this key, and
no other, as its successor: ixj trust anchor add NAME KEY --next DIGEST

Example:
  $ ixj key next acme.example`

const SUCCESSOR_HELP = `
Both keys sign; a running node of this home tells everybody within a second or so, and whoever is
reached later follows as well. --out writes it for homes without a node: ixj trust accept FILE.
The old key counts for the overlap, and goes into the folder "past". What it has signed ends with
it: bind and grant anew within the overlap, and start nodes again that sign with it. For a name whose
keys the DNS publishes, see ixj agent rotate.

Examples:
  $ ixj key successor acme.example
  $ ixj key successor acme.example --overlap 1d --out acme.successor`

/** Registers `key next` and `key successor`. */
export function addKeySuccessor(key: Command): void {
  key
    .command('next')
    .description('make the next key of a name, for others to commit to')
    .argument('<name>', 'a name that has a key here', nameArgument)
    .addHelpText('after', NEXT_HELP)
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const { publicKey, digest, path, isAnchored } = await commitNext(await openHome(), name)
      const [key64, digestText] = [toBase64url(publicKey), toHex(digest)]
      const rows = [
        ['  public', key64],
        ['  digest', digestText],
        ['  file', printable(path)],
        ['  anchor', isAnchored ? 'commits to it' : 'none of this home commits to it'],
      ]
      output.print(
        { name, publicKey: key64, digest: digestText, path, isAnchored },
        `next key of ${name}\n${columns(rows)}`,
      )
    })
  key
    .command('successor')
    .description('let the next key of a name take over, signed by both')
    .argument('<name>', 'a name that has a next key here', nameArgument)
    .option('--overlap <time>', 'how long the old key counts too (default: 7d)', durationArgument)
    .option('--out <file>', 'write it to a file, for other homes')
    .addHelpText('after', SUCCESSOR_HELP)
    .action(async (name: Name, flags: SuccessorFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const until = systemClock.now() + (flags.overlap ?? OVERLAP_SECONDS) * 1_000
      const made = await succeed(await openHome(), name, { until })
      if (flags.out !== undefined) await writeOutput(flags.out, formatNotice(made.notice))
      const { issuerKey, newKey, next } = made.statement
      const [old64, new64] = [toBase64url(issuerKey), toBase64url(newKey)]
      const rows = [
        ['  new', new64, 'counts from now on'],
        ['  old', old64, `counts until ${timeText(until)}`],
        ['  next', toHex(next!), 'is committed to'],
        ...(flags.out === undefined ? [] : [['  for others', printable(flags.out)]]),
      ]
      output.print(
        {
          name,
          id: made.notice.told.idText,
          publicKey: new64,
          replaces: old64,
          until,
          next: toHex(next!),
          isAnchored: made.isAnchored,
          oldPath: made.oldPath,
          file: flags.out ?? null,
        },
        `succeeded: the key of ${name}\n${columns(rows)}`,
      )
    })
}

interface SuccessorFlags {
  readonly overlap?: number
  readonly out?: string
}
