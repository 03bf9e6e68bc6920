import { stat } from 'node:fs/promises'
import { type Name, NameError, nameFromUser } from '@ixj/names'
import { type KeptExplanation, STATEMENTS_FILE_BYTES_MAX, systemClock } from '@ixj/node/home'
import {
  type AnchorSet,
  type Explanation,
  formatExplanation,
  formatTime,
  PURPOSES,
  toHex,
} from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { standpointOf } from '../cross-certificates.ts'
import { explainFile } from '../explain-file.ts'
import { explainHere } from '../explain-here.ts'
import { findKept } from '../explain-id.ts'
import { readRevocations } from '../home-revocations.ts'
import { invocationOf } from '../invocation.ts'
import { readInput } from '../named-file.ts'
import { type Output, type Record } from '../output.ts'

const HELP = `
NAME: whether your anchors lead to it, by which bindings, and what its grants allow, from what
this home knows. FILE: what it is, whether its signatures hold, and the same; a file of
ixj bind --out, a statement or a bundle as on the wire, raw or in base64url. ID: what a node
of this home decided about that bundle or message, and why; the first 8 characters are enough.

Examples:
  $ ixj explain w1.acme.example
  $ ixj explain ./scout.statements --json
  $ ixj explain 58b9c1f1`

/** Registers `explain`. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('say why this home would believe a name, a statement or a message, or why not')
    .argument('<subject>', 'a name, a file, or the id of a bundle or message')
    .option(
      '--as <name>',
      'the node or agent of yours that would verify it (default: your own organisation)',
      nameArgument,
    )
    .addHelpText('after', HELP)
    .action(async (subject: string, options: { readonly as?: Name }, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const anchors = await home.readAnchors()
      const revocations = await readRevocations(home, anchors)
      const as = options.as ?? ownOrganisation(anchors)
      const seenFrom = as === undefined ? {} : { standpoint: await standpointOf(home, as) }
      const context = { home, anchors, revocations, ...seenFrom, now: systemClock.now() }
      if (/^[0-9a-f]+$/.test(subject) && !(await isFile(subject))) {
        tellKept(output, findKept(home, subject))
      } else if (await isFile(subject)) {
        const bytes = await readInput(subject, STATEMENTS_FILE_BYTES_MAX)
        const found = await explainFile(bytes, subject, context)
        tell(output, found.explanation, { lines: found.lines, record: found.record })
      } else {
        tell(output, await explainHere(nameOf(subject), context), { lines: [], record: {} })
      }
    })
}

/** The anchor that is trusted for everything; none where there are several, or none. */
function ownOrganisation(anchors: AnchorSet): Name | undefined {
  const own = anchors.list.filter(({ purposes }) => purposes.length === PURPOSES.length)
  return own.length === 1 ? own[0]?.name : undefined
}

function nameOf(subject: string): ReturnType<typeof nameFromUser> {
  try {
    return nameFromUser(subject)
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    const message = `Cannot explain ${JSON.stringify(subject)}: there is no such file, and as a name: ${cause.message}`
    // With a slash it was meant as a file.
    if (subject.includes('/')) throw new CommandError('file', message, { cause })
    throw new ArgumentError(cause.code, message, { cause })
  }
}

async function isFile(subject: string): Promise<boolean> {
  try {
    return (await stat(subject)).isFile()
  } catch (cause) {
    // Most names are no files; whatever else is wrong with the path shows when it is read.
    if (cause instanceof Error && 'code' in cause) return cause.code !== 'ENOENT'
    throw cause
  }
}

function tellKept(output: Output, found: readonly KeptExplanation[]): void {
  for (const { node, at, about, id, messageIds, explanation } of found) {
    const ids = messageIds.map((each) => toHex(each))
    const messages = ids.length === 1 ? `message ${ids[0]}` : `${ids.length} messages`
    tell(output, explanation, {
      lines: [`${about} ${id ?? ''}`, `  ${messages}, decided by ${node} at ${formatTime(at)}`],
      record: { node, at, about, id, messageIds: ids },
    })
  }
  // The newest is first, and it is what counts.
  process.exitCode = found[0]?.explanation.outcome === 'accepted' ? 0 : 1
}

function tell(
  output: Output,
  explanation: Explanation,
  about: { readonly lines: readonly string[]; readonly record: Record },
): void {
  const text = [...about.lines, formatExplanation(explanation)].join('\n')
  output.print({ ...about.record, ...explanationRecord(explanation) }, text)
  if (explanation.outcome !== 'accepted') process.exitCode = 1
}

/** An explanation for programs. */
function explanationRecord(explanation: Explanation): Record {
  return JSON.parse(JSON.stringify(explanation)) as Record
}
