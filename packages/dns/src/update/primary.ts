import type { TsigKey } from '../tsig.ts'

/** A server that takes updates of a zone, and how it knows us. */
export interface Primary {
  readonly server: {
    /** An IP address. */
    readonly address: string
    readonly port: number
  }
  readonly key: TsigKey
  /** ms since the Unix epoch; signatures say when they were made. */
  readonly now: () => number
  /** Secret random bytes, as many as are asked for: ids that nobody guesses. */
  readonly random: (length: number) => Uint8Array
}

/** The server for people. */
export function labelOf({ server }: Primary): string {
  return `${server.address} port ${server.port}`
}

/** The id of a message. */
export function newId({ random }: Primary): number {
  const [high = 0, low = 0] = random(2)
  return (high << 8) | low
}
