import type { IncomingMessage, ServerResponse } from 'node:http'
import { CLAIM_BYTES_MAX } from '@ixj/agent/invitations'
import type { AddressShares } from '../web/address-shares.ts'
import { sendJson } from '../web/send-json.ts'
import type { ClaimOutcome, WaitingInvitations } from './waiting-invitations.ts'

const MEDIA_TYPE = 'application/octet-stream'
/** Any page may ask: without the secret it has nothing to ask with. */
const CROSS_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, OPTIONS',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '86400',
} as const

const STATUSES: Readonly<Record<Exclude<ClaimOutcome['kind'], 'answered'>, number>> = {
  absent: 404,
  busy: 409,
  unanswered: 504,
}

/** The id in a path `/invitations/ID`; undefined for another path. */
export function invitationInPath(path: string): string | undefined {
  return /^\/invitations\/([0-9a-f]{32})$/.exec(path)?.[1]
}

/** Answers a page that brings a claim to an invitation. */
export async function answerClaim(
  request: IncomingMessage,
  response: ServerResponse,
  context: {
    readonly id: string
    readonly invitations: WaitingInvitations
    readonly shares: AddressShares
    readonly address: string
  },
): Promise<void> {
  for (const [name, value] of Object.entries(CROSS_ORIGIN)) response.setHeader(name, value)
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { 'content-length': '0' }).end()
    return
  }
  if (request.method !== 'POST') return sendJson(response, 405, { error: 'method' })
  if (request.headers['content-type'] !== MEDIA_TYPE) {
    return sendJson(response, 415, { error: 'content-type' })
  }
  using share = context.shares.take(context.address)
  if (share === undefined) {
    response.setHeader('retry-after', '1')
    return sendJson(response, 429, { error: 'rate' })
  }
  const claim = await readBody(request)
  if (claim === undefined) return sendJson(response, 413, { error: 'too-large' })
  const outcome = await context.invitations.claim(context.id, claim)
  if (outcome.kind !== 'answered') {
    return sendJson(response, STATUSES[outcome.kind], { error: outcome.kind })
  }
  response.writeHead(200, {
    'content-type': MEDIA_TYPE,
    'content-length': `${outcome.bytes.length}`,
    'cache-control': 'no-store',
  })
  response.end(outcome.bytes)
}

/** The body; undefined if it is larger than a claim. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part)
    length += part.length
    if (length > CLAIM_BYTES_MAX) return undefined
  }
  return Uint8Array.from(Buffer.concat(parts))
}
