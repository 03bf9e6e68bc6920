import { type Body, MESSAGES_BYTES_MAX } from '@ixj/agent'
import { TrustError, utf8Text } from '@ixj/trust'
import type { Command } from 'commander'
import { ArgumentError } from './command-error.ts'
import { readInput } from './named-file.ts'

/** Where the body of a message comes from, besides the command line. */
export interface BodyFlags {
  readonly file?: string
  readonly body?: Body
}

/** What the argument with the text is. */
export const TEXT_HELP = 'the message, or - for the standard input'

/** Adds `--file` and `--body` to a command. */
export function addBodyOptions(command: Command): Command {
  return command
    .option('--file <file>', 'send what is in this file')
    .option('--body <json>', 'send this value, as JSON', jsonArgument)
}

/** The body that is to be sent. @throws ArgumentError `usage`; CommandError `file`, `too-large` */
export async function readBody(text: string | undefined, flags: BodyFlags): Promise<Body> {
  const { file, body } = flags
  const given = [text, file, body].filter((each) => each !== undefined)
  if (given.length !== 1) {
    throw new ArgumentError('usage', 'Cannot send: give one of a text, -, --file and --body')
  }
  if (body !== undefined) return body
  if (text !== undefined && text !== '-') return text
  return textOrBytes(await readInput(file ?? '-', MESSAGES_BYTES_MAX))
}

/** Bytes as a text where they are UTF-8. */
export function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return utf8Text(bytes)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    return new Uint8Array(bytes)
  }
}

function jsonArgument(text: string): Body {
  try {
    return JSON.parse(text) as Body
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const shown = JSON.stringify(text.slice(0, 80))
    throw new ArgumentError('usage', `Cannot read ${shown} as JSON: ${cause.message}`, { cause })
  }
}
