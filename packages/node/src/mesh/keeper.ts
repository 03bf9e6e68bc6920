import type { Clock, Peer } from '@ixj/agent'
import { DIAL_MS_MAX, REDIAL_MS_MAX, REDIAL_MS_MIN } from './limits.ts'

/** What a keeper needs of the mesh. */
export interface KeeperHost {
  readonly clock: Clock
  readonly random: () => number
  /** One attempt; resolves at once for a peer that is connected. */
  dial(address: string, options: { readonly signal: AbortSignal }): Promise<Peer>
  /** Resolves when the peer has gone, to whether it had been admitted; at once if it is not there. */
  gone(peer: Peer, signal: AbortSignal): Promise<boolean>
  /** An attempt has failed. */
  failed(): void
}

/** Keeps a neighbour connected until it is disposed of; disposing does not disconnect. */
export interface Keeper extends AsyncDisposable {
  readonly address: string
}

/**
 * How long to wait before the n-th attempt (from 1) after the last good connection: between 0.5 s
 * and a bound that doubles up to 5 s, evenly spread so that nodes cut off together do not come
 * back together.
 */
export function redialDelay(attempt: number, random: () => number): number {
  const most = Math.min(REDIAL_MS_MAX, REDIAL_MS_MIN * 2 ** Math.min(attempt, 10))
  return REDIAL_MS_MIN + random() * (most - REDIAL_MS_MIN)
}

/** Dials an address for ever, whenever nobody is connected there (pitfall 28: libp2p gives up). */
export function openKeeper(address: string, host: KeeperHost): Keeper {
  const stop = new AbortController()
  // Nobody waits for it before the end, so a bug in here must not end the process.
  const done = keep(address, host, stop.signal).catch(() => host.failed())
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
    },
  }
}

async function keep(address: string, host: KeeperHost, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    const peer = await tryDial(address, host, signal)
    // A peer that hangs up before it admitted us will do so again: keep backing off.
    if (peer !== undefined && (await host.gone(peer, signal))) attempt = 1
    await pause(host.clock, redialDelay(attempt, host.random), signal)
  }
}

async function tryDial(
  address: string,
  host: KeeperHost,
  signal: AbortSignal,
): Promise<Peer | undefined> {
  try {
    const timeout = AbortSignal.timeout(DIAL_MS_MAX)
    return await host.dial(address, { signal: AbortSignal.any([signal, timeout]) })
  } catch {
    // Whatever it was, the next attempt may do better: a keeper that gives up cuts the node off.
    if (!signal.aborted) host.failed()
    return undefined
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  const cancel = clock.at(clock.now() + ms, resolve)
  const stop = (): void => {
    cancel()
    resolve()
  }
  signal.addEventListener('abort', stop, { once: true })
  return promise.finally(() => {
    cancel()
    signal.removeEventListener('abort', stop)
  })
}
