/** What decides how browsers name a relay. */
export interface OwnOriginsOptions {
  readonly name: string
  readonly port: number
  /** Whether it speaks TLS itself. */
  readonly hasCertificate: boolean
  /** Whether a proxy in front speaks TLS for it. */
  readonly isProxied: boolean
}

/**
 * The origins of the page that a relay serves itself: by its name over TLS, and on this machine over
 * plain HTTP, for development.
 */
export function ownOrigins(options: OwnOriginsOptions): readonly string[] {
  const { name, port, hasCertificate, isProxied } = options
  if (isProxied) return [`https://${name}`]
  if (hasCertificate) return [new URL(`https://${name}:${port}`).origin]
  return ['127.0.0.1', 'localhost', '[::1]'].map((host) => new URL(`http://${host}:${port}`).origin)
}
