import {
  AgentError,
  type Batch,
  grantsOf,
  type Group,
  issueRevocation,
  type Member,
  type Register,
  type Reply,
  revokeGrantsOf,
} from '@ixj/agent'
import type { AuditRecord } from '@ixj/audit'
import { type BrowserNode, pageClock, pageRandom } from '@ixj/browser'
import { isName, matches, type Name } from '@ixj/names'
import { sha256 } from '@ixj/trust'
import { FlowLog } from './flow-log.ts'
import { POSE_AGE_MS_MAX, RECORDS_SHOWN_MAX, REDRAW_MS } from './limits.ts'
import { MissingMessages } from './missing-messages.ts'
import { WaitingApprovals } from './waiting-approvals.ts'

/** Lines of what was done and what came of it. */
const NOTICES_MAX = 40

/** What was done here, and what came of it, in a line. */
export interface Notice {
  readonly at: number
  readonly kind: 'done' | 'failed' | 'told' | 'warned'
  readonly text: string
}

/** A mesh as this page's node sees it, for drawing: what changed is told at most so often. */
export class MeshView implements AsyncDisposable {
  readonly node: BrowserNode
  readonly flows = new FlowLog()
  readonly missing = new MissingMessages()
  readonly approvals: WaitingApprovals
  readonly records: { readonly index: number; readonly record: AuditRecord }[] = []
  readonly notices: Notice[] = []
  /** Names that this page has revoked, and when. */
  readonly revoked = new Map<Name, number>()
  #groups: readonly Group[] = []
  readonly #gathered = new Set<string>()
  readonly #watchers = new Set<() => void>()
  readonly #opened = new AsyncDisposableStack()
  #asking = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  private constructor(node: BrowserNode) {
    this.node = node
    this.approvals = new WaitingApprovals(node.name)
  }

  /** Joins what the node's name may receive, and follows all of it. */
  static async open(node: BrowserNode): Promise<MeshView> {
    const view = new MeshView(node)
    view.#opened.use(node)
    try {
      await view.#open()
      return view
    } catch (cause) {
      await view[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Groups that were joined. */
  get groups(): readonly Group[] {
    return this.#groups
  }

  /** Everybody who is there, in any of the groups. */
  get members(): readonly Member[] {
    const all = this.#groups.flatMap((group) => group.members())
    return [...new Map(all.map((member) => [member.name, member])).values()]
  }

  /** Every register of every group. */
  get registers(): readonly Register[] {
    return this.#groups.flatMap((group) => group.state.entries())
  }

  /** Calls back when something changed, at most so often; gives what ends that. */
  onChange(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  /** Asks one agent for something, 1×1, and tells what it said. */
  async ask(to: Name, body: string): Promise<void> {
    await this.#attempt(`${body} → ${to}`, async () => {
      const answer = await this.node.agent.request(to, [body], { lifespanMs: 5_000 })
      return typeof answer.body === 'string' ? answer.body : 'answered'
    })
  }

  /** Asks everybody in a group, 1×N, and tells who answered. */
  async askAll(group: Group, body: string): Promise<void> {
    await this.#attempt(`${body} → everybody in ${group.topic}`, async () => {
      this.#asking += 1
      try {
        const run = group.fanOut([body], { lifespanMs: 3_000 })
        const replies: Reply[] = []
        for await (const reply of run) replies.push(reply)
        const silent = run.missing.length === 0 ? '' : `; silent: ${run.missing.join(', ')}`
        return `${replies.length} of ${run.expected.length} answered${silent}`
      } finally {
        this.#asking -= 1
      }
    })
  }

  /** Lets what somebody asks for pass, once, or not. */
  async decide(number: number, isApproved: boolean): Promise<void> {
    const asked = this.approvals.take(number, Date.now())
    // A second click: it was decided already, and another must not go for it.
    if (asked === undefined) return
    this.#changed()
    const what = `${isApproved ? 'approve' : 'refuse'} ${asked.sender}`
    await this.#attempt(what, async () => {
      await (isApproved ? asked.approve() : asked.refuse())
      return 'told'
    })
  }

  /** Revokes the key of a member: its word counts nowhere any more, whatever it signs. */
  async revoke(name: Name, key: Uint8Array): Promise<void> {
    await this.#attempt(`revoke ${name}`, async () => {
      const { identity } = this.node.agent
      const under = revokeGrantsOf(identity).find(({ grant }) =>
        grant.statement.topics.some((topic) => matches(topic, name)),
      )
      if (under === undefined) throw new Error(`${identity.name} has no grant to revoke it`)
      const notice = await issueRevocation(
        identity,
        { kind: 'key', name, key },
        { clock: pageClock, random: pageRandom, hash: sha256, under: under.grant },
      )
      await this.node.host.takeNotice(notice.bytes)
      this.revoked.set(name, Date.now())
      return 'told to all'
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    this.#watchers.clear()
    await this.#opened.disposeAsync()
  }

  async #open(): Promise<void> {
    const { agent, audit } = this.node
    this.#follow(this.node.decisions({ queueMax: 1_024 }), (decision) =>
      this.flows.add(decision, {
        groups: new Set(this.#groups.map(({ topic }) => topic)),
        gathered: this.#gathered,
        isAsking: this.#asking > 0,
      }),
    )
    audit.follow((record, index) => {
      this.records.push({ index, record })
      if (this.records.length > RECORDS_SHOWN_MAX * 2) this.records.splice(0, RECORDS_SHOWN_MAX)
      this.#changed()
    })
    this.#follow(agent.approvals(), (asked) => {
      const full = this.approvals.add(asked, Date.now())
      if (full === undefined) return
      asked.refuse(full).catch((cause: unknown) => this.#tell('failed', reasonOf(cause)))
    })
    this.#follow(agent.requests(), (request) => {
      void request.refuse('nobody-there', 'a person sits here, who answers no program')
    })
    const grants = grantsOf(agent.identity).map(({ statement }) => statement)
    const topicsOf = (action: 'subscribe' | 'host') =>
      new Set(
        grants
          .filter(({ actions }) => actions.includes(action))
          .flatMap(({ topics }) => topics)
          .filter((topic) => isName(topic) && topic !== agent.name),
      )
    for (const topic of topicsOf('host')) {
      this.#gathered.add(topic)
      this.#follow(await agent.gather(topic), (batch) => this.#gotBatch(batch))
    }
    this.#groups = await Promise.all([...topicsOf('subscribe')].map((topic) => agent.join(topic)))
    for (const group of this.#groups) {
      group.state.bound('pose', POSE_AGE_MS_MAX)
      this.#follow(group.messages(), (message) => {
        const change = this.missing.take(message)
        if (change !== undefined) this.#tell(change.isHealed ? 'done' : 'warned', change.text)
        if (typeof message.body === 'string')
          this.#tell('told', `${message.sender}: ${message.body}`)
      })
      this.#follow(group.presence(), () => {})
    }
    this.#opened.defer(this.node.relays?.onChange(() => this.#changed()) ?? (() => {}))
    // Ages grow and robots fall silent without anything that happens.
    const aging = setInterval(() => this.#changed(), REDRAW_MS * 2)
    this.#opened.defer(() => clearInterval(aging))
  }

  #gotBatch({ senders, messages }: Batch): void {
    this.#tell('told', `${messages.length} reports of ${senders} came in together`)
  }

  #follow<T>(source: AsyncIterable<T>, take: (item: T) => void): void {
    const read = async () => {
      for await (const item of source) {
        take(item)
        this.#changed()
      }
    }
    read().catch((cause: unknown) => this.#tell('failed', reasonOf(cause)))
  }

  async #attempt(what: string, work: () => Promise<string>): Promise<void> {
    try {
      this.#tell('done', `${what}: ${await work()}`)
    } catch (cause) {
      this.#tell('failed', `${what}: ${reasonOf(cause)}`)
    }
  }

  #tell(kind: Notice['kind'], text: string): void {
    this.notices.unshift({ at: Date.now(), kind, text })
    this.notices.length = Math.min(this.notices.length, NOTICES_MAX)
    this.#changed()
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const watcher of this.#watchers) watcher()
    }, REDRAW_MS)
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AgentError) return `${cause.code}: ${cause.message}`
  return cause instanceof Error ? cause.message : String(cause)
}
