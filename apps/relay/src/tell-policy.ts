import type { PolicyChange } from '@ixj/node/policy'
import type { Logger } from 'pino'

/** Logs what becomes of the policy file until the queue ends. */
export async function tellPolicy(
  changes: AsyncIterable<PolicyChange>,
  logger: Logger,
): Promise<void> {
  for await (const change of changes) {
    switch (change.kind) {
      case 'loaded': {
        const { rules, digest, warnings } = change
        logger.info({ event: 'policy', rules, digest, warnings: warnings.length }, 'policy loaded')
        break
      }
      case 'kept': {
        const { code, message } = change.cause
        logger.error({ event: 'policy', code }, `${message}; the old one goes on`)
        break
      }
      case 'unwatched':
        logger.warn({ event: 'policy' }, `${change.cause.message}; it is looked at twice a second`)
    }
  }
}
