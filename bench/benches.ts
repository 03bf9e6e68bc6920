import { benchBirths } from './births/births.ts'
import { benchDns } from './dns/dns.ts'
import { benchPatterns } from './patterns/patterns.ts'
import { benchScale } from './scale/scale.ts'
import { benchState } from './state/state.ts'
import { benchTrust } from './trust/trust.ts'
import type { Bench } from './table.ts'

/** Everything that is measured, in the order in which a whole run does it. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  patterns: benchPatterns,
  births: benchBirths,
  trust: benchTrust,
  dns: benchDns,
  state: benchState,
  scale: benchScale,
}
