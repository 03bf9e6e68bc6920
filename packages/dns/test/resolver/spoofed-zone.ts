import {
  parseDnsName,
  readRrsig,
  TYPE,
  type DnsName,
  type Message,
  type Resolution,
  type Resolver,
  type Upstream,
  type ZoneAnchor,
} from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { type BindServer, startBind } from '../../../../test/world/dns/bind.ts'
import { nsupdate } from '../../../../test/world/dns/programs.ts'
import { openSpoofer, type Spoofer } from './spoofer.ts'
import { type Knowledge } from './tricks.ts'
import { AGENTS, anchorOf, FALSE_KEY, textsOf, TRUE_KEY } from './zone-texts.ts'

/** The name whose key is at stake. */
export const PLANNER = parseDnsName('_ixjkey.planner.agents.test')
/** A name that is not there. */
export const GHOST = parseDnsName('_ixjkey.ghost.agents.test')
/** Another name of {@link PLANNER}. */
export const ALIAS = parseDnsName('_ixjkey.alias.agents.test')

/** How long a silent spoofer is waited for. */
const SILENCE_MS = 250
/** Tricks after which no answer comes, or may come. */
const silentTricks = new Set(['says nothing', 'changes bytes'])

/** A zone of BIND with a spoofer in front of it. */
export interface SpoofedZone extends AsyncDisposable {
  readonly server: BindServer
  readonly spoofer: Spoofer
  readonly anchor: ZoneAnchor
  /** Leads to the spoofer. */
  readonly upstream: Upstream
  /** Genuine answers that the spoofer kept: the planner's key was another one before. */
  readonly heard: Omit<Knowledge, 'now' | 'random'>
}

/** Starts a zone whose planner has changed its key already. */
export async function startSpoofedZone(): Promise<SpoofedZone> {
  const text = `${AGENTS.replace(TRUE_KEY, FALSE_KEY)}\n_ixjkey.other IN TXT "${FALSE_KEY}; d=1"\n`
  const server = await startBind({ zones: [{ name: 'agents.test', text }] })
  const hear = (name: string) => ask({ port: server.port, name, type: TYPE.TXT, dnssecOk: true })
  const old = await hear(PLANNER)
  await changeKey(server, old)
  const spoofer = await openSpoofer(server)
  const heard = {
    old,
    denial: await hear(GHOST),
    wildcard: await hear('x.wild.agents.test'),
    otherKey: await hear('_ixjkey.other.agents.test'),
  }
  const anchor = await anchorOf(server, 'agents.test')
  const upstream = {
    suffix: anchor.zone,
    transport: 'udp',
    address: '127.0.0.1',
    port: spoofer.port,
  } as const
  return {
    server,
    spoofer,
    anchor,
    upstream,
    heard,
    [Symbol.asyncDispose]: async () => {
      await spoofer[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Publishes the true key; signatures count whole seconds, so the next one is waited for. */
async function changeKey(server: BindServer, old: Message): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    // An update that changes nothing is not signed anew, so something else stands there in between.
    for (const text of [`${tries}`, TRUE_KEY]) {
      const lines = [`update delete ${PLANNER}. TXT`, `update add ${PLANNER}. 300 TXT "${text}"`]
      // oxlint-disable-next-line no-await-in-loop -- One after the other.
      await nsupdate({ port: server.port, zone: 'agents.test', key: server.key, lines })
    }
    // oxlint-disable-next-line no-await-in-loop -- Until it is newer.
    const answer = await ask({ port: server.port, name: PLANNER, type: TYPE.TXT, dnssecOk: true })
    if (inceptionOf(answer) > inceptionOf(old)) return
  }
  throw new Error('The zone did not sign anew')
}

function inceptionOf(message: Message): number {
  const signature = message.answers.find(({ type }) => type === TYPE.RRSIG)
  if (signature === undefined) throw new Error('The zone did not sign')
  return readRrsig(signature.data).inception
}

/** Whether an outcome says what the zone says of a name. */
export function isTrue(name: DnsName, found: Resolution): boolean {
  if (found.state !== 'secure' || found.ttlSeconds > 300) return false
  if (name === GHOST) return found.answer !== 'positive'
  return found.name === PLANNER && textsOf(found.records).join() === TRUE_KEY
}

/** Whether an outcome is one that a spoofer may bring about: no word of it is believed. */
export function isHarmless(name: DnsName, found: Resolution): boolean {
  return found.state === 'bogus' || found.state === 'unreachable' || isTrue(name, found)
}

/** A lookup while the spoofer plays a trick; where it stays silent, nobody waits for ever. */
export async function lookUpUnder(
  what: string,
  name: DnsName,
  resolver: Resolver,
): Promise<Resolution> {
  if (!silentTricks.has(what)) return await resolver.resolve(name, TYPE.TXT)
  const signal = AbortSignal.timeout(SILENCE_MS)
  try {
    return await resolver.resolve(name, TYPE.TXT, { signal })
  } catch (cause) {
    if (cause !== signal.reason) throw cause
    return { state: 'unreachable', message: 'it was given up', steps: [] }
  }
}
