import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Encryption, Header } from '../bundles/header.ts'
import type { HostPart } from '../host/host-part.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { GroupSecrets } from './group-secrets.ts'
import type { openGroupSecrets, SecretsNode } from './open-group-secrets.ts'
import { storedSecretsKey } from './secret-type.ts'

/** What keeps the secrets of groups. A call gives the same each time. */
export interface SecretsAbility {
  sealing(): Promise<{ readonly openGroupSecrets: typeof openGroupSecrets }>
}

/**
 * What a node has to do with sealed groups. The code for that is asked for with the first sealed
 * bundle, sealing member, given or stored secret, since most pages meet none.
 */
export class GroupSealing implements HostPart {
  readonly #node: SecretsNode
  readonly #ability: SecretsAbility
  /** Members here of groups that are open, until there are secrets to keep them. */
  readonly #members = new Map<Name, number>()
  #secrets: GroupSecrets | undefined
  #isClosed = false

  constructor(node: SecretsNode, ability: SecretsAbility) {
    this.#node = node
    this.#ability = ability
  }

  /**
   * A member here opens the group; one that seals waits for the code here, so that nothing fails later.
   * @throws what the store throws; TrustError for a damaged secret; AgentError `unreachable`
   */
  async open(topic: Name, isSealed: boolean): Promise<void> {
    const isStored = (await this.#node.store.get(storedSecretsKey(topic))) !== undefined
    if (isSealed || isStored || this.#secrets !== undefined) {
      return await (await this.secrets()).open(topic)
    }
    this.#members.set(topic, (this.#members.get(topic) ?? 0) + 1)
  }

  /** A member here has left. */
  leave(topic: Name): void {
    if (this.#secrets !== undefined) return this.#secrets.leave(topic)
    const left = (this.#members.get(topic) ?? 1) - 1
    if (left === 0) this.#members.delete(topic)
    else this.#members.set(topic, left)
  }

  /** Waits for the first secret of a group. @throws AgentError `unsealable`, `unreachable` */
  async ready(topic: Name, signal: AbortSignal | undefined): Promise<void> {
    await (await this.secrets()).ready(topic, signal)
  }

  /** Messages as they travel to the group. @throws AgentError `unsealable`, `unreachable` */
  async seal(
    plain: Uint8Array,
    fields: Omit<Header, 'digest' | 'encryption'>,
  ): Promise<{ readonly encryption: Encryption; readonly messagesBytes: Uint8Array }> {
    return await (await this.secrets()).seal(plain, fields)
  }

  /** The messages that a member sealed. @throws Refusal `secret-missing`, `body` */
  async openMessages(...opening: Parameters<GroupSecrets['openMessages']>): Promise<Uint8Array> {
    return await (await this.toRead(opening[0])).openMessages(...opening)
  }

  /**
   * What reads something that was sealed. What cannot be read now is as if its secret had not come:
   * it is carried for others.
   * @throws Refusal `secret-missing`
   */
  async toRead({ topic, sender }: Header): Promise<GroupSecrets> {
    try {
      return await this.secrets()
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      const message = `Cannot read what ${sender} sealed to ${topic}: ${cause.message}`
      throw new Refusal('secret-missing', message, { cause })
    }
  }

  /** The secrets of all groups that are open. @throws AgentError `unreachable` */
  async secrets(): Promise<GroupSecrets> {
    if (this.#secrets !== undefined) return this.#secrets
    const { openGroupSecrets } = await this.#ability.sealing()
    // Others may have waited for the same.
    if (this.#secrets !== undefined) return this.#secrets
    const secrets = openGroupSecrets(this.#node)
    this.#secrets = secrets
    for (const [topic, members] of this.#members) secrets.openEmpty(topic, members)
    this.#members.clear()
    if (this.#isClosed) secrets.close()
    return secrets
  }

  sweep(now: number): void {
    this.#secrets?.sweep(now)
  }

  close(): void {
    this.#isClosed = true
    this.#secrets?.close()
    this.#members.clear()
  }
}
