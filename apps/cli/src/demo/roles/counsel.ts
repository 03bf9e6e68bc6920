import { isKnownLicence } from '../licence-table.ts'
import { NO_LICENCE, UNREADABLE } from '../packages.ts'
import { COUNSEL } from '../setup.ts'
import { openRole, untilEnd, type RoleOptions } from './opening.ts'

/** The other organisation: rules on licence strings that are no SPDX identifiers (1×1). */
export async function runCounsel(options: RoleOptions): Promise<void> {
  // Nobody has to know where others are: the ledger looks counsel up when it has a question.
  const node = await openRole('counsel', options, [])
  const counsel = await node.openAgent(COUNSEL)
  let sent = 0
  void (async () => {
    for await (const request of counsel.requests({ signal: options.signal })) {
      if (typeof request.body === 'string') await request.reply(ruleOn(request.body))
      else await request.refuse('form', 'not a licence string')
      sent += 1
    }
  })()
  await untilEnd('counsel', node, { signal: options.signal, sent: () => sent })
}

/** A ruling that a person would begin with. */
export function ruleOn(licence: string): string {
  if (licence === NO_LICENCE || licence === UNREADABLE)
    return 'no licence: do not ship without a letter'
  if (licence === 'UNLICENSED') return 'proprietary: do not ship'
  const ids = licence
    .replaceAll(/[()]/g, ' ')
    .split(/\s+(?:AND|OR|WITH)\s+/)
    .map((id) => id.trim())
  if (ids.length > 1 && ids.every((id) => isKnownLicence(id)))
    return 'an expression of known licences: ship'
  return 'unknown: a person reads its file'
}
