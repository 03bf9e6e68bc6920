import type { takeGiven } from '../sealing/given-secret.ts'
import type { SecretGiver } from '../sealing/secret-giver.ts'

/** What gives and takes the secrets of groups. A call gives the same each time. */
export interface SealingAbilities {
  sealing(): Promise<{
    readonly SecretGiver: typeof SecretGiver
    readonly takeGiven: typeof takeGiven
  }>
}
