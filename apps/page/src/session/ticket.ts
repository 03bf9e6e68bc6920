import type { RelayAddress } from '@ixj/browser'
import { parseName } from '@ixj/names'
import {
  type AnchorSet,
  decodeStatement,
  fromBase64url,
  parseAnchors,
  sha256,
  type SignedStatement,
} from '@ixj/trust'

/** What an organisation gives to who is to join it with a key of a page's own. */
export interface Ticket {
  readonly relays: readonly RelayAddress[]
  /** Whom the page will trust, and for what. */
  readonly anchors: AnchorSet
  /** What was stated about the page's name and key. */
  readonly statements: readonly SignedStatement[]
}

/** Why a ticket cannot be used, for people. */
export class TicketError extends Error {
  override readonly name = 'TicketError'
}

/** Relays of one ticket. */
const RELAYS_MAX = 8
/** Statements of one ticket. */
const STATEMENTS_MAX = 256

/**
 * Reads a ticket: JSON with `relays` (`url`, `name`), `anchors` (a trust file) and `statements`
 * (envelopes in base64url). Nothing in it is secret, and nothing is believed before it is verified.
 * @throws TicketError
 */
export function parseTicket(text: string): Ticket {
  try {
    const { relays, anchors, statements } = JSON.parse(text) as Record<string, unknown>
    return {
      relays: parseRelays(relays),
      anchors: parseAnchors(JSON.stringify(anchors)),
      statements: parseList(statements, 'statements', STATEMENTS_MAX).map((each) =>
        decodeStatement(fromBase64url(String(each)), sha256),
      ),
    }
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new TicketError(`Cannot read the ticket: ${cause.message}`, { cause })
  }
}

/** Reads addresses of relays, as a ticket has them and as they are remembered. @throws TicketError */
export function parseRelays(value: unknown): readonly RelayAddress[] {
  return parseList(value, 'relays', RELAYS_MAX).map((each) => {
    const { url, name } = each as { readonly url?: unknown; readonly name?: unknown }
    if (typeof url !== 'string' || !/^wss?:\/\//.test(url)) {
      throw new TicketError('Cannot use a relay: its url must begin with wss://')
    }
    return { url, name: parseName(String(name)) }
  })
}

function parseList(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) {
    throw new TicketError(`Cannot read ${what}: must be a list of ${most} at most`)
  }
  return value
}
