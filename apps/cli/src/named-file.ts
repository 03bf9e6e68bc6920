import { open, writeFile } from 'node:fs/promises'
import { CommandError } from './command-error.ts'

/** Reads a file that was named on the command line, or `-`. @throws CommandError `file`, `too-large` */
export async function readInput(path: string, bytesMax: number): Promise<Uint8Array> {
  const shown = path === '-' ? 'the standard input' : path
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    const source = path === '-' ? process.stdin : (await open(path)).createReadStream()
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > bytesMax) {
        throw new CommandError(
          'too-large',
          `Cannot read ${shown}: over ${bytesMax} bytes, the limit`,
        )
      }
    }
  } catch (cause) {
    throw asFileError(cause, `Cannot read ${shown}`)
  }
  return Buffer.concat(chunks)
}

/** Writes a file that must not be there yet. @throws CommandError `exists`, `file` */
export async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (cause) {
    throw asFileError(cause, `Cannot write ${path}`)
  }
}

function asFileError(cause: unknown, tried: string): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (cause instanceof CommandError || typeof code !== 'string') return cause
  if (code === 'EEXIST') {
    return new CommandError('exists', `${tried}: it exists, and is not overwritten`, { cause })
  }
  return new CommandError('file', `${tried}: ${code}`, { cause })
}
