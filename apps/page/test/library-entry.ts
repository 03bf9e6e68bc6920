// Runs in a page of a test, built into one file as the library is: an agent that listens in a group.
import { type BrowserNode, openBrowserHome, openBrowserNode } from '@ixj/browser'
import type { Group } from '@ixj/agent'
import { toBase64url } from '@ixj/trust'
import { keepTicket } from '../src/session/open-session.ts'
import { parseTicket } from '../src/session/ticket.ts'

/** What a page has heard so far. */
export interface Heard {
  readonly bodies: readonly unknown[]
  /** Codes of bundles that it refused. */
  readonly refused: readonly string[]
  /** Messages that were missing when their stream went on. */
  readonly missing: number
  /** Relays that stand now. */
  readonly relays: number
}

const bodies: unknown[] = []
const refused: string[] = []
let missing = 0
let node: BrowserNode | undefined
let group: Group | undefined

/** Makes the key of a name, and gives its public half in base64url. */
export async function makeKey(name: string): Promise<string> {
  await using home = await openBrowserHome(name)
  return toBase64url((await home.signer()).publicKey)
}

/** Opens the name with what was stated of its key, joins a group and listens. */
export async function listen(of: {
  readonly name: string
  readonly ticket: string
  readonly topic: string
}): Promise<void> {
  const given = parseTicket(of.ticket)
  const home = await openBrowserHome(of.name)
  await keepTicket(home, given)
  node = await openBrowserNode({ home, relays: given.relays })
  group = await node.agent.join(of.topic)
  void readMessages(group)
  void readDecisions(node)
}

/** What was heard so far. */
export function heard(): Heard {
  const states = node?.relays?.relays ?? []
  const relays = states.filter(({ stands }) => stands === 'admitted').length
  return { bodies, refused, missing, relays }
}

/** Publishes in the group. */
export async function publish(body: string): Promise<void> {
  await group?.publish(body)
}

async function readMessages(from: Group): Promise<void> {
  for await (const { body, gap } of from.messages()) {
    bodies.push(body)
    missing += gap
  }
}

async function readDecisions(from: BrowserNode): Promise<void> {
  for await (const { about, code } of from.decisions()) {
    if (about === 'bundle' && code !== null) refused.push(code)
  }
}
