import {
  type Agent,
  type Clock,
  type Decision,
  type Host,
  type HostOptions,
  openHostWith,
  type Policy,
  type Queue,
  type Transport,
  type ZoneKeySource,
} from '@ixj/agent'
import type { Name } from '@ixj/names'
import {
  type AnchorSet,
  applySuccessor,
  sha256,
  type SignedStatement,
  type Successor,
  TrustError,
  type Verifier,
} from '@ixj/trust'
import { openPageAuditLog, type PageAuditLog } from './audit/page-audit-log.ts'
import { BrowserError } from './browser-error.ts'
import { type AskDns, dnsOverHttps, relayDnsAddress } from './dns-over-https.ts'
import type { BrowserHome } from './home/browser-home.ts'
import { loadPart } from './load-part.ts'
import { pageAbilities } from './page-abilities.ts'
import { pageClock } from './page-clock.ts'
import { pageRandom } from './page-random.ts'
import { openRelayTransport, type RelayAddress, type RelayTransport } from './relay-transport.ts'
import { generateWebCryptoKey, webCryptoVerifier } from './web-crypto-keys.ts'
import { webCryptoSealer } from './web-crypto-sealer.ts'

/** How a node is opened in a page. */
export interface BrowserNodeOptions {
  /** The name's keys, statements and anchors; it is closed with the node. */
  readonly home: BrowserHome
  /** Two relays, so that the loss of one loses nothing. */
  readonly relays: readonly RelayAddress[]
  /** Carries its bytes in place of relays; it is closed with the node. */
  readonly transport?: Transport
  /**
   * Whether members here use the shared state of their groups, whose code is downloaded then;
   * default false, and `state` of a group throws.
   */
  readonly sharedState?: boolean
  /** Default: the page's; `none` where there is no page. */
  readonly origin?: string
  /** Default: `ruleTable` without rules of one's own. */
  readonly policy?: Policy
  /**
   * Whom it asks about names under zone anchors, one after the other until what one of them says is
   * proved; default: its relays, over {@link dnsOverHttps}.
   */
  readonly dns?: readonly AskDns[]
  /** Default: {@link pageClock}. */
  readonly clock?: Clock
  /** Default: the browser's. */
  readonly subtle?: SubtleCrypto
}

/**
 * A page, or a worker, as a node of its own: it verifies all that comes in against its own anchors
 * and decides by its own policy, as every node does. A relay that carries its bytes can be silent,
 * and nothing else.
 */
export class BrowserNode implements AsyncDisposable {
  readonly name: Name
  /** The node's part without I/O. */
  readonly host: Host
  readonly home: BrowserHome
  /** What this page decided since it was opened. */
  readonly audit: PageAuditLog
  /** How it stands with its relays; undefined over another transport. */
  readonly relays: RelayTransport | undefined
  readonly #opened: AsyncDisposableStack

  /** Use {@link openBrowserNode}. */
  constructor(parts: {
    readonly host: Host
    readonly home: BrowserHome
    readonly audit: PageAuditLog
    readonly relays: RelayTransport | undefined
    readonly opened: AsyncDisposableStack
  }) {
    this.name = parts.host.name
    this.host = parts.host
    this.home = parts.home
    this.audit = parts.audit
    this.relays = parts.relays
    this.#opened = parts.opened
  }

  /** The page as an agent of its own name: whoever sits before it. It ends with the node. */
  get agent(): Agent {
    return this.host.self
  }

  /** Decisions so far, by code; `accepted` counts those that passed. */
  get counts(): Host['counts'] {
    return this.host.counts
  }

  /** Nodes that are connected and proved their names: the relays. */
  get neighbours(): readonly Name[] {
    return this.host.neighbours
  }

  /** Every decision from now on; `explanationOf` says why. A slow reader loses the oldest. */
  decisions(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<Decision> {
    return this.host.decisions(options)
  }

  /** Closes the agents, then the connections, then the home. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}

/**
 * Opens a node in this page. Without Ed25519 in WebCrypto it checks signatures in plain JavaScript,
 * some twenty times slower, and cannot make keys.
 * @throws BrowserError `not-enrolled`, `storage`, `unsupported`, `unreachable` where the page cannot
 * download what zone anchors, or a browser without Ed25519, need; AgentError `unreachable` where it
 * cannot download what shares state; TrustError if the name's own chain does not hold against the
 * home's own anchors
 */
export async function openBrowserNode(options: BrowserNodeOptions): Promise<BrowserNode> {
  const opened = new AsyncDisposableStack()
  try {
    return await openIn(opened, options)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** What the node is made of goes into `opened` as it is opened, the home first. */
async function openIn(
  opened: AsyncDisposableStack,
  options: BrowserNodeOptions,
): Promise<BrowserNode> {
  const { home, clock = pageClock, subtle = crypto.subtle, sharedState = false } = options
  opened.use(home)
  if (options.transport !== undefined) opened.use(options.transport)
  const identity = await home.readIdentity()
  const anchors = await home.readAnchors()
  const verifier = await openVerifier(subtle)
  const generateKey = () => generateWebCryptoKey(subtle)
  const audit = opened.use(await openPageAuditLog(home.name, { clock, verifier, generateKey }))
  const { policy, dns = options.relays.map(({ url }) => dnsOverHttps(relayDnsAddress(url))) } =
    options
  const zoneKeys = await openZoneKeys(anchors, { subtle, clock, dns })
  const relays =
    options.transport === undefined
      ? opened.use(
          openRelayTransport({
            relays: options.relays,
            name: home.name,
            signer: identity.signer,
            origin: options.origin ?? globalThis.location?.origin ?? 'none',
            clock,
            random: pageRandom,
            verifier,
            hash: sha256,
          }),
        )
      : undefined
  const transport = options.transport ?? relays
  if (transport === undefined) throw new Error('A node without relays has a transport')
  const given: HostOptions = {
    identity,
    anchors,
    transport,
    clock,
    random: pageRandom,
    verifier,
    generateKey,
    sealer: webCryptoSealer(subtle),
    store: home.store,
    history: home.history,
    journal: home.journal,
    audit,
    ...(zoneKeys === undefined ? {} : { zoneKeys }),
    ...(policy === undefined ? {} : { policy }),
    succeeded: (signed) => void keepSuccessor(home, signed, clock),
  }
  const host = opened.use(await openHostWith(given, pageAbilities({ sharedState })))
  if (relays !== undefined) opened.use(callWhenOnline(relays))
  return new BrowserNode({ host, home, audit, relays, opened })
}

/** A page that is online again calls its relays at once, whatever they waited for. */
function callWhenOnline(relays: RelayTransport): Disposable {
  const call = () => relays.callNow()
  globalThis.addEventListener?.('online', call)
  return { [Symbol.dispose]: () => globalThis.removeEventListener?.('online', call) }
}

/** DNSSEC is downloaded only by pages that trust a zone; undefined for all others. */
async function openZoneKeys(
  anchors: AnchorSet,
  parts: {
    readonly subtle: SubtleCrypto
    readonly clock: Clock
    readonly dns: readonly AskDns[]
  },
): Promise<ZoneKeySource | undefined> {
  if (anchors.root === undefined && !anchors.list.some(({ kind }) => kind === 'zone')) {
    return undefined
  }
  const { subtle, clock, dns } = parts
  const { openZoneProofs } = await loadPart('zone anchors', () => import('./zone-proofs.ts'))
  return openZoneProofs(anchors, { subtle, now: () => clock.now(), asks: dns })
}

/** The home follows an anchor's key, so that the page begins with the new one when it is opened next. */
async function keepSuccessor(
  home: BrowserHome,
  signed: SignedStatement<Successor>,
  clock: Clock,
): Promise<void> {
  try {
    const context = { anchors: await home.readAnchors(), now: clock.now(), hash: sha256 }
    const moved = applySuccessor(signed, context)
    if (moved !== undefined) await home.writeAnchors(moved)
  } catch (cause) {
    if (!(cause instanceof BrowserError || cause instanceof TrustError)) throw cause
    console.warn(`The page goes on with the new key, its home has the old one: ${cause.message}`)
  }
}

/** WebCrypto's where the browser has Ed25519, else plain JavaScript: both give the same answers. */
async function openVerifier(subtle: SubtleCrypto): Promise<Verifier> {
  try {
    await subtle.importKey('raw', ED25519_BASE_POINT, 'Ed25519', false, ['verify'])
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== 'NotSupportedError') throw cause
    const load = () => import('@ixj/trust/plain-verifier')
    const { plainVerifier } = await loadPart('Ed25519, which this browser lacks', load)
    return plainVerifier(async (bytes) => {
      return new Uint8Array(await subtle.digest('SHA-512', Uint8Array.from(bytes)))
    })
  }
  return webCryptoVerifier(subtle)
}

/** y = 4/5 (RFC 8032 section 5.1): a point of the curve, whatever else a browser may check. */
const ED25519_BASE_POINT = Uint8Array.from({ length: 32 }, (_, index) =>
  index === 0 ? 0x58 : 0x66,
)
