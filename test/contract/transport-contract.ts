import { describe } from 'vitest'
import type { TransportBench } from './transport-bench.ts'
import { channelFacts } from './transport-channels.ts'
import { admissionFacts, connectionFacts } from './transport-connections.ts'
import { limitFacts, messageFacts } from './transport-messages.ts'
import { rightFacts } from './transport-rights.ts'

export type { TransportBench } from './transport-bench.ts'

/**
 * The contract of the `Transport` port, one fact a test.
 * Every transport runs it: `transportContract('memory', openMemoryBench)`.
 */
export function transportContract(kind: string, open: () => Promise<TransportBench>): void {
  describe(`${kind} transport`, () => {
    connectionFacts(open)
    channelFacts(open)
    admissionFacts(open)
    rightFacts(open)
    messageFacts(open)
    limitFacts(open)
  })
}
