import { spawn } from 'node:child_process'
import { MESSAGES_BYTES_MAX, type Body, type Message } from '@ixj/agent'
import { textOrBytes } from './message-body.ts'

/** What a command came to: what it wrote, or why that is no answer. */
export type CommandResult =
  { readonly done: true; readonly body: Body } | { readonly done: false; readonly reason: string }

/** Bytes of what a command says about its failure. */
const COMPLAINT_BYTES_MAX = 1_024

/**
 * Runs a command of the user's own for a message: its body comes on the standard input, who sent it
 * stands in the environment, and nothing of it is ever part of the command. What the command writes is
 * the result; an exit code other than 0 is a failure, and so is more than a message can hold. When the
 * signal is aborted, it and all that it has started are killed.
 */
export async function runCommand(
  command: string,
  message: Message & { readonly attempt: number },
  signal: AbortSignal,
): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>()
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own, so that whatever the shell has started ends with it.
    detached: true,
    env: {
      ...process.env,
      IXJ_SENDER: message.sender,
      IXJ_ON_BEHALF_OF: message.onBehalfOf,
      IXJ_TOPIC: message.topic,
      IXJ_ATTEMPT: String(message.attempt),
    },
  })
  const kill = () => {
    // Without a pid it never began; its error is told below.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  if (signal.aborted) kill()
  else signal.addEventListener('abort', kill, { once: true })
  const output = collect(child.stdout, MESSAGES_BYTES_MAX)
  const complaint = collect(child.stderr, COMPLAINT_BYTES_MAX)
  child.once('error', (cause) => resolve({ done: false, reason: cause.message }))
  child.once('close', (code, ended) => {
    const said = String(textOrBytes(complaint.bytes())).trim()
    const words = said === '' ? '' : `: ${said}`
    if (code !== 0) {
      const how = code === null ? `ended by ${ended ?? 'a signal'}` : `ended with ${code}`
      resolve({ done: false, reason: `the command ${how}${words}` })
    } else if (output.isCut()) {
      resolve({ done: false, reason: `the command wrote more than ${MESSAGES_BYTES_MAX} bytes` })
    } else {
      resolve({ done: true, body: withoutNewline(textOrBytes(output.bytes())) })
    }
  })
  // A command that does not read its input closes it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(inputOf(message.body))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

/** A text and bytes as they are, everything else as JSON. */
function inputOf(body: Body): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  return JSON.stringify(body)
}

/** As a shell does with what a command writes. */
function withoutNewline(body: string | Uint8Array): string | Uint8Array {
  return typeof body === 'string' ? body.replace(/\n+$/, '') : body
}

/** What a stream writes, and no more of it than that; the rest is read and dropped. */
function collect(stream: NodeJS.ReadableStream, bytesMax: number) {
  const chunks: Buffer[] = []
  let length = 0
  let cut = false
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, bytesMax - length)
    cut ||= part.length < chunk.length
    length += part.length
    if (part.length > 0) chunks.push(part)
  })
  return { bytes: () => Buffer.concat(chunks), isCut: () => cut }
}
