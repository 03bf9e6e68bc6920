import { toHex } from '@ixj/trust'
import type { Identity } from '../host/identity.ts'
import { memoryStore, type Store } from '../host/store.ts'
import { openStoredRecords, StoredRecords } from './stored-records.ts'

/** What an agent's node remembers of its tasks between runs. */
export interface TaskRecords {
  readonly received: StoredRecords
  readonly sent: StoredRecords
}

/**
 * The records of an agent that is opened again under the same name and key.
 * @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed
 */
export async function openTaskRecords(store: Store, identity: Identity): Promise<TaskRecords> {
  const of = `${identity.name}/${toHex(identity.signer.publicKey)}`
  return {
    received: await openStoredRecords(store, `tasks/received/${of}`),
    sent: await openStoredRecords(store, `tasks/sent/${of}`),
  }
}

/** Records of an agent whose key goes with it: they last as long as it is open. */
export function passingRecords(): StoredRecords {
  return new StoredRecords(memoryStore(), 'tasks', [])
}
