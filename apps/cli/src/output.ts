import { isatty } from 'node:tty'
import type { ApplicationValue } from '@ixj/trust'
import picocolors from 'picocolors'
import { failureOf } from './command-error.ts'

/** What is printed for programs: one object a line. */
export interface Record {
  readonly [member: string]: Json
}

/** What a record can hold. */
export type Json = null | boolean | number | string | readonly Json[] | Record

/** How results and failures are told: text for people, or one JSON object a line for programs. */
export class Output {
  readonly json: boolean
  /** Colours; none unless a person looks on. */
  readonly paint: ReturnType<typeof picocolors.createColors>

  constructor(options: { readonly json: boolean }) {
    this.json = options.json
    const terminal = isatty(process.stdout.fd) && process.env['NO_COLOR'] === undefined
    this.paint = picocolors.createColors(terminal && !options.json)
  }

  /** A result, on the standard output. Text that others wrote has to pass {@link printable}. */
  print(record: Record, text: string): void {
    process.stdout.write(this.json ? `${JSON.stringify(record)}\n` : `${text}\n`)
  }

  /** What goes on besides, on the standard error. */
  note(record: Record, text: string): void {
    process.stderr.write(this.json ? `${JSON.stringify(record)}\n` : `${text}\n`)
  }

  /** Tells why a command failed, on the standard error, and gives the program's exit code. */
  fail(cause: unknown): 1 | 2 {
    const failure = failureOf(cause)
    const code = failure?.code ?? 'bug'
    const message = failure?.message ?? (cause instanceof Error ? cause.message : String(cause))
    this.note({ error: { code, message } }, `ixj: ${code}: ${printable(message)}`)
    // Where to look is in the stack, and nobody can do anything about it but us.
    if (failure === undefined && cause instanceof Error && !this.json) {
      const lines = (cause.stack ?? '').split('\n').map((line) => printable(line))
      process.stderr.write(`${lines.join('\n')}\n`)
    }
    return failure?.exitCode ?? 1
  }
}

/**
 * Text of others that is safe on a terminal, in one line: controls, format and invisible characters
 * and separators become `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gv,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

/** A message's body as JSON; bytes become `{ "base64": … }`, numbers that JSON lacks become text. */
export function bodyRecord(body: ApplicationValue): Json {
  if (typeof body === 'number') return Number.isFinite(body) ? body : String(body)
  if (body === null || typeof body === 'boolean' || typeof body === 'string') return body
  if (body instanceof Uint8Array) return { base64: Buffer.from(body).toString('base64') }
  if (isList(body)) return body.map((item) => bodyRecord(item))
  return Object.fromEntries(Object.entries(body).map(([key, item]) => [key, bodyRecord(item)]))
}

/** A message's body in one line for people: text as it is, bytes by their number, else JSON. */
export function bodyText(body: ApplicationValue): string {
  if (typeof body === 'string') return printable(body)
  if (body instanceof Uint8Array) return `(${body.length} bytes)`
  return printable(JSON.stringify(bodyRecord(body)))
}

// Array.isArray does not narrow a readonly array.
function isList(body: ApplicationValue): body is readonly ApplicationValue[] {
  return Array.isArray(body)
}

/** Rows in columns as wide as their widest cell; the last one as it is. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    }
  }
  const lines = rows.map((row) =>
    row.map((cell, index) => (index < row.length - 1 ? cell.padEnd(widths[index] ?? 0) : cell)),
  )
  return lines.map((cells) => cells.join('  ').trimEnd()).join('\n')
}
