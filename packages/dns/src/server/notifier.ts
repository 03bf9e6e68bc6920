import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '@ixj/trust'
import {
  CLASS,
  DnsError,
  decodeMessage,
  EMPTY_MESSAGE,
  encodeMessage,
  OPCODE,
  TYPE,
} from '../proof.ts'
import { signTsig, type TsigKey } from '../tsig.ts'
import { NOTIFY_GAP_MS, NOTIFY_TRIES_MAX, NOTIFY_WAIT_MS } from './limits.ts'
import type { ZoneStore } from './zone-store.ts'

/** A server that copies our zones. */
export interface Secondary {
  /** An IP address. */
  readonly address: string
  readonly port: number
  /** Signs what we tell it; without one it is told unsigned, as most secondaries expect. */
  readonly key?: TsigKey
}

/** What a notifier works with. */
export interface NotifierOptions {
  readonly secondary: Secondary
  readonly now: () => number
  readonly random: Random
}

/**
 * Tells one secondary that one zone has changed (RFC 1996), until it says that it heard, at most
 * once a second. Without an answer it gives up: the secondary asks by itself before long.
 */
export class Notifier implements AsyncDisposable {
  readonly #store: ZoneStore
  readonly #options: NotifierOptions
  readonly #watch: Disposable
  readonly #stopped = new AbortController()
  #isDue = false
  #running: Promise<void> | undefined

  constructor(store: ZoneStore, options: NotifierOptions) {
    this.#store = store
    this.#options = options
    this.#watch = store.watch(() => this.#changed())
    this.#changed()
  }

  #changed(): void {
    this.#isDue = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false
      for (let tries = 0; tries < NOTIFY_TRIES_MAX && !signal.aborted; tries++) {
        if (await this.#tell(signal)) break
      }
      await pause(NOTIFY_GAP_MS, undefined, { signal, ref: false }).catch(ignoreAbort)
    }
  }

  /** Sends it once; whether an answer came in time. */
  async #tell(signal: AbortSignal): Promise<boolean> {
    const { secondary, random } = this.#options
    const [high = 0, low = 0] = random(2)
    const id = (high << 8) | low
    const bytes = this.#message(id)
    const socket = createSocket(isIPv6(secondary.address) ? 'udp6' : 'udp4')
    const answered = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => answered.resolve(false), NOTIFY_WAIT_MS)
    const stop = () => answered.resolve(false)
    signal.addEventListener('abort', stop)
    socket.on('error', stop)
    socket.on('message', (packet) => {
      if (isAnswer(packet, id)) answered.resolve(true)
    })
    // Connected, so that only the secondary's own packets come in.
    socket.once('connect', () => socket.send(bytes, () => undefined))
    // Without a callback, which would be called, and throw, where there is no way to it either.
    socket.connect(secondary.port, secondary.address)
    try {
      return await answered.promise
    } finally {
      signal.removeEventListener('abort', stop)
      clearTimeout(timer)
      socket.close()
    }
  }

  #message(id: number): Uint8Array {
    const { zone, content } = this.#store
    const bytes = encodeMessage({
      ...EMPTY_MESSAGE,
      id,
      opcode: OPCODE.NOTIFY,
      authoritative: true,
      questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
      answers: content.rrset(zone, TYPE.SOA)?.records ?? [],
    })
    const { secondary, now } = this.#options
    if (secondary.key === undefined) return bytes
    return signTsig(bytes, { key: secondary.key, now: now() }).bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]()
    this.#stopped.abort()
    await this.#running
  }
}

function isAnswer(packet: Uint8Array, id: number): boolean {
  try {
    const message = decodeMessage(packet)
    return message.response && message.opcode === OPCODE.NOTIFY && message.id === id
  } catch (cause) {
    if (cause instanceof DnsError) return false
    throw cause
  }
}

function ignoreAbort(cause: unknown): void {
  if (!(cause instanceof Error) || cause.name !== 'AbortError') throw cause
}
