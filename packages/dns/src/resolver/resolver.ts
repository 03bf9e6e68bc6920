import type { DnsName, Resolution } from '../proof.ts'

/** Asks for names and validates what comes, whoever carried it. */
export interface Resolver extends AsyncDisposable {
  /** Never throws for what a server says: every outcome is a {@link Resolution}. */
  resolve(
    name: DnsName,
    type: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Resolution>
}

/** Where names at or below `suffix` are asked; the longest suffix counts. */
export interface Upstream {
  readonly suffix: DnsName
  readonly transport: 'udp' | 'tls' | 'https'
  /** An IP address. */
  readonly address: string
  readonly port: number
  /** TLS: the name that the certificate must have. */
  readonly serverName?: string
  /** TLS: the authorities that count, PEM; default: those of Node. */
  readonly certificateAuthority?: string
  /** HTTPS: the path, default `/dns-query` (RFC 8484). */
  readonly path?: string
}

/** Names that were secure once, which must never become insecure: kept across restarts. */
export interface SecureNames {
  has(zone: DnsName): boolean
  add(zone: DnsName): void
}
