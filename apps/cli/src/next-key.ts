import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Name } from '@ixj/names'
import { type Home, openHome } from '@ixj/node/home'

/** A key that waits in a home for its time. */
export interface WaitingKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** X25519, 32 bytes: what goes with it. */
  readonly encryptionKey: Uint8Array
  readonly path: string
}

/** Where the next keys of a home's names lie: a name has one key in each home. @throws HomeError */
export async function nextHome(home: Home): Promise<Home> {
  return await openHome(join(home.folder, 'next'))
}

/** The next key of a name, made if there is none yet. @throws HomeError; TrustError `key-file` */
export async function nextKeyOf(home: Home, name: Name): Promise<WaitingKey> {
  const next = await nextHome(home)
  const isThere = (await next.keyNames()).includes(name)
  const { publicKey } = isThere ? await next.readSigner(name) : await next.createKey(name)
  const { publicKey: encryptionKey } = await next.readOpening(name)
  return { publicKey, encryptionKey, path: next.keyPath(name) }
}

/** Moves the key after the next one up where the next one has gone into its place. @throws HomeError */
export async function liftNext(home: Home, name: Name): Promise<void> {
  const next = await nextHome(home)
  const after = await nextHome(next)
  if ((await next.keyNames()).includes(name)) return
  if ((await after.keyNames()).includes(name)) await rename(after.keyPath(name), next.keyPath(name))
}
