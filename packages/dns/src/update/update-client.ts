import { CLASS, EMPTY_MESSAGE, OPCODE, TYPE, type DnsName, type DnsRecord } from '../proof.ts'
import { newId, type Primary } from './primary.ts'
import { checkRcode } from './refusal.ts'
import { askSigned, type SignedAnswer } from './signed-exchange.ts'

/** A change of a zone as RFC 2136 has it; its records carry the classes of sections 2.4 and 2.5. */
export interface ZoneUpdate {
  readonly zone: DnsName
  readonly prerequisites: readonly DnsRecord[]
  readonly updates: readonly DnsRecord[]
}

/**
 * Sends one update, signed: the server makes all of it or nothing. Where the error is `unreachable`
 * nobody knows which.
 * @throws DnsError `zone` (a prerequisite, a name outside), `refused`, `tsig`, `unreachable`,
 * `limit` (over 64 KiB); the signal's reason
 */
export async function sendUpdate(
  update: ZoneUpdate,
  primary: Primary,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { message } = await askUpdate(update, primary, options)
  checkRcode(message, `Cannot change ${update.zone}`)
}

/** The same, but the answer's code is not looked at. */
export async function askUpdate(
  update: ZoneUpdate,
  primary: Primary,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SignedAnswer> {
  const { zone, prerequisites, updates } = update
  const message = {
    ...EMPTY_MESSAGE,
    id: newId(primary),
    opcode: OPCODE.UPDATE,
    questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
    answers: prerequisites,
    authorities: updates,
  }
  return await askSigned(message, primary, options)
}
