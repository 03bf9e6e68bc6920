import { parsePattern, type Name } from '@ixj/names'
import { issueGrant, type Grant, type SignedStatement } from '@ixj/trust'
import type { Core } from '../host/core.ts'
import { boundUntil, type Identity } from '../host/identity.ts'
import { VOICE_MARGIN_MS, VOICE_MS, VOICE_RENEW_MS, VOICE_RETRY_MS } from '../limits.ts'
import type { Voice } from '../patterns/voice.ts'

interface GivenVoice extends Voice {
  readonly since: number
  readonly until: number
  readonly unpin: () => void
}

/** Whose registers, in which group. */
export interface NodeVoiceParts {
  readonly core: Core
  readonly identity: Identity
  readonly topic: Name
}

/**
 * A member's leave for its node to sign its registers: a `speak` grant for this group's state alone,
 * that lives for a minute. So what many members of a node say at one moment costs one signature, and
 * each receiver one check. It is given anew as long as the member sets registers; when it has ended,
 * the member signs by itself.
 */
export class NodeVoice {
  readonly #parts: NodeVoiceParts
  #given: GivenVoice | undefined
  /** What was said under the one before may still be on its way. */
  #before: GivenVoice | undefined
  #giving: Promise<void> | undefined
  #retryAt = -Infinity
  #isClosed = false

  constructor(parts: NodeVoiceParts) {
    this.#parts = parts
  }

  /** What the next bundle is signed with; undefined: with the member's own key. */
  next(): Voice | undefined {
    const now = this.#parts.core.clock.now()
    const given = this.#given
    const isDue = given === undefined || now < given.since || now >= given.since + VOICE_RENEW_MS
    if (isDue && now >= this.#retryAt) void this.give()
    const isGood = given !== undefined && now >= given.since && now < given.until - VOICE_MARGIN_MS
    return isGood ? given : undefined
  }

  /** Gives it, or gives it anew; resolves when that is done, or could not be and was told. */
  async give(): Promise<void> {
    this.#giving ??= this.#give()
    await this.#giving
    this.#giving = undefined
  }

  /** Nothing is signed for the member any more. */
  close(): void {
    this.#isClosed = true
    for (const voice of [this.#given, this.#before]) voice?.unpin()
    this.#given = undefined
    this.#before = undefined
  }

  async #give(): Promise<void> {
    const { core, identity, topic } = this.#parts
    try {
      const given = await this.#issue()
      if (this.#isClosed) return given.unpin()
      this.#before?.unpin()
      this.#before = this.#given
      this.#given = given
    } catch (cause) {
      this.#retryAt = core.clock.now() + VOICE_RETRY_MS
      core.record(core.plain('state', 'speak', topic, identity.name, cause))
    }
  }

  async #issue(): Promise<GivenVoice> {
    const { core, identity } = this.#parts
    const grant = await this.#grant()
    await core.issued(identity, [grant])
    const { statements, unpin } = await core.pinStatements([grant])
    const { signer, statements: ofNode } = core.identity
    const proving = [...new Set([...identity.statements, ...ofNode, ...statements])]
    const { notBefore: since, notAfter: until } = grant.statement
    const spoken = { name: identity.name, signer, statements: proving }
    return { identity: spoken, proofs: new Map(), since, until, unpin }
  }

  async #grant(): Promise<SignedStatement<Grant>> {
    const { core, identity, topic } = this.#parts
    const { name, signer } = identity
    const { clock, random, hash } = core
    const now = clock.now()
    return await issueGrant(
      {
        issuer: name,
        notBefore: now,
        notAfter: Math.min(now + VOICE_MS, boundUntil(identity)),
        nonce: random(16),
        onBehalfOf: name,
        subject: parsePattern(core.identity.name),
        subjectKey: core.identity.signer.publicKey,
        actions: ['speak'],
        topics: [parsePattern(name)],
        conditions: [['stateOn', [topic]]],
        mayDelegate: false,
      },
      { signer, hash },
    )
  }
}
