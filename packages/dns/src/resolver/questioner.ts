import {
  CLASS,
  DnsError,
  isAtOrBelowName,
  labelCount,
  TYPE,
  typeName,
  type Asked,
  type DnsName,
  type DnsRecord,
  type Message,
} from '../proof.ts'
import { exchange, type RandomBytes } from './exchange.ts'
import { REFERRAL_DEPTH_MAX, ZONE_SERVERS_MAX } from './limits.ts'
import { addressOf, readReferral, type Referral } from './referral.ts'
import { ServerList, type UpstreamTable } from './upstreams.ts'
import { UdpTransport, type UdpCounts } from './udp-transport.ts'

/** What one lookup asks with. */
export interface QuestionerOptions {
  readonly upstreams: UpstreamTable
  readonly random: RandomBytes
  readonly signal: AbortSignal
  readonly questionsMax: number
  /** The port of servers that referrals name. */
  readonly referralPort: number
  readonly counts: UdpCounts & { questions: number }
}

/** The questions were too many: a loop, or somebody who wants us to work. */
export class TooManyQuestions extends Error {}

/**
 * Asks the questions of one lookup: upstreams first, then, where these are servers of a zone and not
 * resolvers, those that they refer to. Nothing that it learns outlives it, so a forged referral
 * spoils one lookup.
 */
export class Questioner implements AsyncDisposable {
  readonly #options: QuestionerOptions
  readonly #learned = new Map<DnsName, ServerList>()
  #questions = 0

  constructor(options: QuestionerOptions) {
    this.#options = options
  }

  /**
   * The records of all answers on the way to a question's own, each from a server that may speak
   * for its name.
   * @throws DnsError `unreachable`; {@link TooManyQuestions}; the signal's reason
   */
  async ask(asked: Asked, depth = 0): Promise<readonly DnsRecord[]> {
    const collected: DnsRecord[] = []
    for (let list = this.#closest(asked); ;) {
      // oxlint-disable-next-line no-await-in-loop -- Each answer says who is asked next.
      const message = await this.#exchange(asked, list)
      collected.push(...spokenFor(message, list.zone))
      const referral = readReferral(message, list.zone, asked)
      if (referral === undefined) return collected
      // oxlint-disable-next-line no-await-in-loop -- As above.
      list = await this.#follow(referral, depth)
    }
  }

  /** The servers of the lowest zone that is known to cover a question. */
  #closest(asked: Asked): ServerList {
    let list = this.#options.upstreams.find(asked)
    for (const learned of this.#learned.values()) {
      const covers =
        isAtOrBelowName(asked.name, learned.zone) &&
        (asked.type !== TYPE.DS || asked.name !== learned.zone)
      const isLower = list === undefined || labelCount(learned.zone) > labelCount(list.zone)
      if (covers && isLower) list = learned
    }
    if (list !== undefined) return list
    const message = `Cannot ask for ${asked.name}: no upstream has a suffix at or above it`
    throw new DnsError('unreachable', message)
  }

  async #exchange(asked: Asked, list: ServerList): Promise<Message> {
    const { random, signal, questionsMax, counts } = this.#options
    signal.throwIfAborted()
    if (++this.#questions > questionsMax) {
      const last = `${asked.name} ${typeName(asked.type)}`
      throw new TooManyQuestions(`${questionsMax} questions were not enough, the next was ${last}`)
    }
    counts.questions++
    return await exchange(asked, list, { random, signal })
  }

  async #follow(referral: Referral, depth: number): Promise<ServerList> {
    const known = this.#learned.get(referral.zone)
    if (known !== undefined) return known
    const addresses =
      referral.glue.length > 0 ? referral.glue : await this.#findServers(referral, depth)
    if (addresses.length === 0) {
      const message = `Cannot follow the referral to ${referral.zone}: no server has an address`
      throw new DnsError('unreachable', message)
    }
    const { referralPort: port, counts } = this.#options
    // Another question of this lookup may have followed it in the meantime.
    const list =
      this.#learned.get(referral.zone) ??
      new ServerList(
        referral.zone,
        addresses.map((address) => new UdpTransport({ address, port }, counts)),
      )
    this.#learned.set(referral.zone, list)
    return list
  }

  /** Addresses of servers that came without: where to ask next, nothing rests on them. */
  async #findServers(referral: Referral, depth: number): Promise<readonly string[]> {
    if (depth >= REFERRAL_DEPTH_MAX) return []
    for (const server of referral.servers) {
      // Only glue could say where a server inside of its own zone is.
      if (isAtOrBelowName(server, referral.zone)) continue
      // oxlint-disable-next-line no-await-in-loop -- One server that has an address is enough.
      const addresses = await this.#addressesOf(server, depth + 1)
      if (addresses.length > 0) return addresses
    }
    return []
  }

  async #addressesOf(server: DnsName, depth: number): Promise<readonly string[]> {
    try {
      const records = await this.ask({ name: server, type: TYPE.A }, depth)
      const own = records.filter(({ name }) => name === server)
      return own.flatMap(addressOf).slice(0, ZONE_SERVERS_MAX)
    } catch (cause) {
      // There may be another server.
      if (cause instanceof DnsError && !this.#options.signal.aborted) return []
      throw cause
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [...this.#learned.values()].flatMap((list) => list.servers)
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
  }
}

/** The records of an answer that a server of `zone` may speak for. */
function spokenFor(message: Message, zone: DnsName): readonly DnsRecord[] {
  return [...message.answers, ...message.authorities, ...message.additionals].filter(
    (record) => record.class === CLASS.IN && isAtOrBelowName(record.name, zone),
  )
}
