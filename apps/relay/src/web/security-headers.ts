/** What a page of a relay is held to, and how its headers are made. */
export interface SecurityOptions {
  /** Relays beside this one to which the page may connect. */
  readonly connect: readonly string[]
  /** Whether the relay, or a proxy before it, speaks TLS: then browsers are to use nothing else. */
  readonly secure: boolean
}

const YEAR_SECONDS = 365 * 24 * 3_600

/**
 * The headers of every answer. A script that somebody slips into the page finds nothing that it may
 * load, nowhere to send to but relays, and no frame around it.
 */
export function securityHeaders(options: SecurityOptions): Readonly<Record<string, string>> {
  // A relay answers about zones over HTTP, at the origin of its WebSocket.
  const relays = options.connect.flatMap((url) => [url, url.replace(/^ws/, 'http')])
  const connect = ["'self'", ...relays].join(' ')
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // The address of a page may hold an invitation.
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    ...(options.secure ? { 'strict-transport-security': `max-age=${YEAR_SECONDS}` } : {}),
  }
}
