import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DnsRecord, TsigKey } from '@ixj/dns'
import { trustAnchors } from './anchors.ts'
import { serverPath } from './server-process.ts'
import { keyArgument } from './tsig-secret.ts'

/** How a program ended, and all that it wrote. */
export interface Ended {
  readonly status: number | null
  readonly output: string
}

const PROGRAM_MS_MAX = 20_000

/** Runs a program to its end, with a text as its input. */
export async function runProgram(
  program: string,
  words: readonly string[],
  input = '',
): Promise<Ended> {
  const env = { ...process.env, PATH: serverPath(), LC_ALL: 'C' }
  const child = spawn(program, words, { env, timeout: PROGRAM_MS_MAX, killSignal: 'SIGKILL' })
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  child.stderr.on('data', (part: Buffer) => parts.push(part))
  // A program may end without reading its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, output: Buffer.concat(parts).toString() }
}

/** A question to a server on 127.0.0.1, as dig, kdig and delv ask it. */
export interface ProgramQuery {
  readonly port: number
  readonly name: string
  readonly type: string
  /** Signs the query. */
  readonly key?: TsigKey
  /** Such as `+dnssec`, `+tcp`, `+short`. */
  readonly flags?: readonly string[]
}

function queryWords(query: ProgramQuery): string[] {
  const key = query.key === undefined ? [] : ['-y', keyArgument(query.key)]
  const { port, name, type, flags = [] } = query
  return ['@127.0.0.1', '-p', `${port}`, ...key, name, type, ...flags]
}

/** BIND's dig. */
export async function dig(query: ProgramQuery): Promise<Ended> {
  return await runProgram('dig', queryWords(query))
}

/** Knot's kdig, which speaks TLS (`+tls`) and HTTPS (`+https`) too. */
export async function kdig(query: ProgramQuery): Promise<Ended> {
  return await runProgram('kdig', queryWords(query))
}

/** What delv found. */
export interface Delved {
  /** Whether all of the answer, positive or negative, was validated from the anchors. */
  readonly validated: boolean
  /** Whether the answer says that there is no such record. */
  readonly negative: boolean
  readonly output: string
}

/** BIND's validator, from these DNSKEY or DS records of one zone and nothing else. */
export async function delv(
  query: Omit<ProgramQuery, 'key'> & { readonly anchors: readonly DnsRecord[] },
): Promise<Delved> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-delv-'))
  const file = join(folder.path, 'anchors')
  await writeFile(file, trustAnchors(query.anchors))
  const root = query.anchors[0]?.name ?? '.'
  const { output } = await runProgram('delv', [...queryWords(query), '-a', file, `+root=${root}`])
  // It ends with 0 on broken chains as well, so its words count; one per RRset of the answer.
  const said = [...output.matchAll(/^; ([a-z][a-z, ]*)$/gm)].map(([, words]) => words ?? '')
  const negative = said.some((words) => words.startsWith('negative response'))
  const validated = said.length > 0 && said.every((words) => words.endsWith('fully validated'))
  return { validated, negative, output }
}

/** An update as nsupdate and knsupdate read it. */
export interface ProgramUpdate {
  readonly port: number
  readonly zone: string
  readonly key?: TsigKey
  /** Lines such as `update add …`, `prereq …`; several messages are parted by `send`. */
  readonly lines: readonly string[]
  readonly tcp?: boolean
}

/** BIND's update client; its status is 2 where a server refused. */
export async function nsupdate(update: ProgramUpdate): Promise<Ended> {
  return await runProgram('nsupdate', updateWords(update), updateScript(update))
}

/** Knot's update client. */
export async function knsupdate(update: ProgramUpdate): Promise<Ended> {
  return await runProgram('knsupdate', updateWords(update), updateScript(update))
}

function updateWords({ key, tcp = false }: ProgramUpdate): string[] {
  return [...(tcp ? ['-v'] : []), ...(key === undefined ? [] : ['-y', keyArgument(key)])]
}

function updateScript({ port, zone, lines }: ProgramUpdate): string {
  return [`server 127.0.0.1 ${port}`, `zone ${zone}`, ...lines, 'send', ''].join('\n')
}
