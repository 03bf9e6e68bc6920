import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Clock, type Policy, type PolicyDecision, type PolicyRequest, Queue } from '@ixj/agent'
import { TrustError, utf8Text } from '@ixj/trust'
import { OTHERS_MAY_WRITE, readBounded } from '../home/file.ts'
import { HomeError } from '../home/home-error.ts'
import {
  POLICY_CHANGES_MAX,
  POLICY_FILE_BYTES_MAX,
  POLICY_LOOK_MS,
  POLICY_SETTLE_MS,
} from '../home/limits.ts'
import { CachedPolicy } from './cached-policy.ts'
import { type CompiledPolicy, compilePolicy, digestOf } from './compiled-policy.ts'
import { PolicyError, type PolicyProblem } from './policy-error.ts'

/** What became of a policy file. */
export type PolicyChange =
  /** Its new text decides from now on. */
  | {
      readonly kind: 'loaded'
      readonly rules: number
      readonly digest: string
      readonly warnings: readonly PolicyProblem[]
    }
  /** It cannot be used: what was loaded before goes on deciding. */
  | { readonly kind: 'kept'; readonly cause: PolicyError | HomeError }
  /** The operating system does not tell of changes: the file is looked at twice a second. */
  | { readonly kind: 'unwatched'; readonly cause: Error }

/**
 * A policy file that decides, and is read again when it changes. At every moment either the old
 * text decides or the new one.
 */
export class FilePolicy implements Policy, AsyncDisposable {
  readonly path: string
  readonly #clock: Clock
  readonly #readers = new Set<Queue<PolicyChange>>()
  readonly #look = (): void => this.#settle()
  #current: CachedPolicy
  #watcher: FSWatcher | undefined
  /** Told to whoever reads the changes, however late. */
  #unwatched: PolicyChange | undefined
  #cancelSettle: (() => void) | undefined
  #loading: Promise<PolicyChange | undefined> = Promise.resolve(undefined)
  #closed = false

  /** Use {@link openFilePolicy}. */
  constructor(path: string, compiled: CompiledPolicy, clock: Clock) {
    this.path = path
    this.#clock = clock
    this.#current = new CachedPolicy(compiled)
    this.#watch()
  }

  /** The text that decides now. */
  get compiled(): CompiledPolicy {
    return this.#current.compiled
  }

  decide(request: PolicyRequest): PolicyDecision {
    return this.#current.decide(request)
  }

  /** What becomes of the file from now on. A slow reader loses the oldest. */
  changes(options: { readonly signal?: AbortSignal } = {}): Queue<PolicyChange> {
    const queue: Queue<PolicyChange> = new Queue(POLICY_CHANGES_MAX, {
      ...options,
      onClose: () => void this.#readers.delete(queue),
    })
    this.#readers.add(queue)
    if (this.#unwatched !== undefined) queue.push(this.#unwatched)
    return queue
  }

  /** Reads the file now; undefined: its text is the one that decides already. Never throws. */
  async reload(): Promise<PolicyChange | undefined> {
    // One after the other, so that an older text never comes after a newer one.
    this.#loading = this.#afterwards(this.#loading)
    return await this.#loading
  }

  /** Ends the watching. What decides stays as it is. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#watcher?.close()
    unwatchFile(this.path, this.#look)
    this.#cancelSettle?.()
    await this.#loading
    for (const reader of this.#readers) reader.close()
  }

  /**
   * The folder is watched: a file that is replaced is another file. It is looked at besides, since a
   * link may lead to a file elsewhere, and not every file system tells of changes.
   */
  #watch(): void {
    const name = basename(this.path)
    watchFile(this.path, { persistent: false, interval: POLICY_LOOK_MS }, this.#look)
    try {
      this.#watcher = watch(dirname(this.path), { persistent: false }, (_event, changed) => {
        if (changed === null || changed === name) this.#settle()
      })
      this.#watcher.on('error', (cause) => this.#endWatch(cause))
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      this.#endWatch(cause)
    }
  }

  #endWatch(cause: Error): void {
    this.#unwatched = { kind: 'unwatched', cause }
    this.#tell(this.#unwatched)
  }

  /**
   * Editors write in several steps, and the first half of a policy may be a policy, too, without
   * what it forbids. So a file is read when it has been left alone for a moment.
   */
  #settle(): void {
    if (this.#closed) return
    this.#cancelSettle?.()
    const at = this.#clock.now() + POLICY_SETTLE_MS
    this.#cancelSettle = this.#clock.at(at, () => void this.reload())
  }

  async #afterwards(before: Promise<unknown>): Promise<PolicyChange | undefined> {
    await before
    const change = await this.#load()
    if (change !== undefined) this.#tell(change)
    return change
  }

  async #load(): Promise<PolicyChange | undefined> {
    try {
      const text = await readPolicy(this.path)
      const old = this.#current.compiled
      if (digestOf(text) === old.digest) return undefined
      const compiled = await compilePolicy(text, basename(this.path))
      this.#current = new CachedPolicy(compiled)
      old[Symbol.dispose]()
      const { digest, warnings, rules } = compiled
      return { kind: 'loaded', rules: rules.length, digest, warnings }
    } catch (cause) {
      if (!(cause instanceof PolicyError || cause instanceof HomeError)) throw cause
      return { kind: 'kept', cause }
    }
  }

  #tell(change: PolicyChange): void {
    for (const reader of this.#readers) reader.push(change)
  }
}

/**
 * Opens a policy file; its changes count from then on.
 * @throws PolicyError; HomeError `unsafe-mode`, `too-large`, `malformed`, `file`
 */
export async function openFilePolicy(
  path: string,
  options: { readonly clock: Clock },
): Promise<FilePolicy> {
  const policy = new FilePolicy(path, await compileFile(path), options.clock)
  // What was written while the first text was compiled, before anybody watched.
  await policy.reload()
  return policy
}

/** Reads and compiles a policy file. @throws as {@link openFilePolicy} */
export async function compileFile(path: string): Promise<CompiledPolicy> {
  return await compilePolicy(await readPolicy(path), basename(path))
}

async function readPolicy(path: string): Promise<string> {
  const bytes = await readBounded(path, {
    bytesMax: POLICY_FILE_BYTES_MAX,
    forbidden: OTHERS_MAY_WRITE,
  })
  if (bytes === undefined)
    throw new PolicyError('absent', `Cannot use ${path}: there is no such file`)
  return readText(bytes, path)
}

function readText(bytes: Uint8Array, path: string): string {
  try {
    return utf8Text(bytes)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw new PolicyError('syntax', `Cannot use ${path}: it is not UTF-8`, { cause })
  }
}
