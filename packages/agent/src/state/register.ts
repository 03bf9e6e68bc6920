import type { Name } from '@ixj/names'
import type { ApplicationValue } from '@ixj/trust'
import type { OffsetRange } from '../pipeline/clock-offset.ts'
import type { Explicable } from '../pipeline/grounds.ts'
import { newsAge } from '../pipeline/pipeline.ts'
import type { NewsAge } from '../pipeline/policy.ts'
import type { HeldRegister } from './held-register.ts'

/** How old something may be, in ms: at least, and at most. */
export type Age = readonly [min: number, max: number]

/** One register of one member, as it is known at a moment; `explanationOf` says why it was accepted. */
export interface Register extends Explicable {
  readonly sender: Name
  readonly senderKey: Uint8Array
  /** For whom the sender acts. */
  readonly onBehalfOf: Name
  readonly register: string
  readonly value: ApplicationValue
  /** When its owner set it, ms since the Unix epoch by the owner's clock. */
  readonly asOf: number
  /** Since its owner set it, in ms; wide where little is known of the owner's clock. */
  readonly age: Age
  /** Whether it may be older than the bound that this member has set. */
  readonly isStale: boolean
  /** Of the statuses of those by whose word its owner speaks. */
  readonly freshness: NewsAge
}

/** What is held, as its reader sees it now. */
export function viewOf(
  held: HeldRegister,
  at: { readonly now: number; readonly range: OffsetRange; readonly maxAgeMs: number },
): Register {
  const { sender, key, register, value, asOf, accepted } = held
  const age = ageOf(held, at)
  return {
    sender,
    senderKey: key,
    onBehalfOf: accepted.onBehalfOf,
    register,
    value,
    asOf,
    age,
    isStale: age[1] > at.maxAgeMs,
    freshness: newsAge(accepted.freshness),
    grounds: () => ({ of: 'bundle', trace: accepted, at: accepted.bundle.header.sentAt }),
  }
}

/** How old what is held may be. Nothing is younger than 0, whatever its owner's clock says. */
export function ageOf(
  { asOf }: Pick<HeldRegister, 'asOf'>,
  { now, range }: { readonly now: number; readonly range: OffsetRange },
): Age {
  const max = Math.max(0, now - asOf - range.low)
  return [Math.min(max, Math.max(0, now - asOf - range.high)), max]
}
