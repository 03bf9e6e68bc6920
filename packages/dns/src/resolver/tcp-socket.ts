import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** An address and a port. */
export interface Place {
  readonly address: string
  readonly port: number
}

/** A place whose certificate is checked. */
export interface SecurePlace extends Place {
  /** The name in its certificate; undefined: its address has to stand there. */
  readonly serverName: string | undefined
  /** The authorities that count, PEM; undefined: those of Node. */
  readonly certificateAuthority: string | undefined
}

/** Begins a TCP connection. */
export function openTcp(place: Place): Socket {
  return connectTcp({ host: place.address, port: place.port, noDelay: true })
}

/**
 * Begins a TLS connection that fails unless the certificate is valid and has the name: the strict
 * profile of RFC 8310 section 5, whatever the environment says.
 */
export function openTls(place: SecurePlace, protocols: readonly string[] = []): TLSSocket {
  const { address, port, serverName, certificateAuthority } = place
  const socket = connectTls({
    host: address,
    port,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
  })
  // A query does not wait for the acknowledgement of what went before it.
  return socket.setNoDelay(true)
}
