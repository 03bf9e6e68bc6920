import { toHex } from '@ixj/trust'
import type { Identity } from '../host/identity.ts'
import type { Store } from '../host/store.ts'

/** Where a node's store keeps an agent's tasks, one way: opened with the first, since few agents have any. */
export interface KeptTasks {
  readonly store: Store
  readonly key: string
  /** Whether nothing was there when the agent was opened. */
  readonly isEmpty: boolean
}

/** What an agent's node remembers of its tasks between runs. */
export interface TaskRecords {
  readonly received: KeptTasks
  readonly sent: KeptTasks
}

/** Finds the records of an agent that is opened again under the same name and key. */
export async function findTaskRecords(store: Store, identity: Identity): Promise<TaskRecords> {
  const of = `${identity.name}/${toHex(identity.signer.publicKey)}`
  const find = async (key: string) => {
    const first = await store.get(taskPageKey(key, 0))
    return { store, key, isEmpty: first === undefined }
  }
  return { received: await find(`tasks/received/${of}`), sent: await find(`tasks/sent/${of}`) }
}

/** Under which key a store has a page of tasks, the first being 0. */
export function taskPageKey(key: string, page: number): string {
  return `${key}/${page}`
}
