import { X509Certificate } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { open } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { CERTIFICATE_LOOK_MS, CERTIFICATE_SETTLE_MS, PEM_BYTES_MAX } from '../limits.ts'
import { RelayError } from '../relay-error.ts'

/** A key with its certificate, PEM, that fit each other. */
export interface Certificate {
  readonly key: string
  readonly certificate: string
  /** ms since the Unix epoch. */
  readonly notAfter: number
  /** Of the certificate itself, for people. */
  readonly fingerprint: string
}

/** What became of the files. */
export type CertificateChange =
  /** New connections get the new one. */
  | { readonly kind: 'loaded'; readonly certificate: Certificate }
  /** The new files cannot be used: the old certificate goes on. */
  | { readonly kind: 'kept'; readonly cause: RelayError }

/** Where a certificate lies, and who hears of its changes. */
export interface CertificateFilesOptions {
  readonly keyPath: string
  readonly certificatePath: string
  /** ms since the Unix epoch. */
  readonly now: () => number
  readonly changed: (change: CertificateChange) => void
}

/** A certificate in files that is read again when they change. */
export class CertificateFiles implements AsyncDisposable {
  #current: Certificate
  readonly #options: CertificateFilesOptions
  readonly #look = (): void => this.#settle()
  #settling: NodeJS.Timeout | undefined
  #loading: Promise<void> = Promise.resolve()
  #closed = false

  private constructor(current: Certificate, options: CertificateFilesOptions) {
    this.#current = current
    this.#options = options
    // By looking: a link may lead elsewhere, as in mounted secrets, where nobody tells of changes.
    for (const path of [options.keyPath, options.certificatePath]) {
      watchFile(path, { persistent: false, interval: CERTIFICATE_LOOK_MS }, this.#look)
    }
  }

  /** @throws RelayError `certificate` */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    return new CertificateFiles(await readCertificate(options), options)
  }

  /** The one that counts now. */
  get current(): Certificate {
    return this.#current
  }

  /** Reads the files now, and tells of it if they changed. Never throws. */
  async reload(): Promise<void> {
    // One after the other, so that an older pair never comes after a newer one.
    this.#loading = this.#loading.then(() => this.#load())
    await this.#loading
  }

  /** Ends the watching; what counts stays as it is. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#settling)
    const { keyPath, certificatePath } = this.#options
    for (const path of [keyPath, certificatePath]) unwatchFile(path, this.#look)
    await this.#loading
  }

  #settle(): void {
    if (this.#closed) return
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => void this.reload(), CERTIFICATE_SETTLE_MS)
  }

  async #load(): Promise<void> {
    const { changed } = this.#options
    try {
      const read = await readCertificate(this.#options)
      const { key, certificate } = this.#current
      if (read.key === key && read.certificate === certificate) return
      this.#current = read
      changed({ kind: 'loaded', certificate: read })
    } catch (cause) {
      if (!(cause instanceof RelayError)) throw cause
      changed({ kind: 'kept', cause })
    }
  }
}

/** Reads a key and its certificate, and sees that they fit. @throws RelayError `certificate` */
async function readCertificate(paths: CertificateFilesOptions): Promise<Certificate> {
  const { keyPath, certificatePath } = paths
  const key = await readPem(keyPath)
  const certificate = await readPem(certificatePath)
  const refuse = (path: string, reason: string, cause?: unknown) =>
    new RelayError('certificate', `Cannot use ${path}: ${reason}`, { cause })
  let own: X509Certificate
  try {
    own = new X509Certificate(certificate)
  } catch (cause) {
    throw refuse(certificatePath, 'it holds no certificate', cause)
  }
  const notAfter = own.validToDate.getTime()
  if (notAfter <= paths.now()) {
    throw refuse(certificatePath, `it ended at ${own.validToDate.toISOString()}`)
  }
  try {
    createSecureContext({ key, cert: certificate })
  } catch (cause) {
    throw refuse(keyPath, `it does not fit the certificate ${certificatePath}`, cause)
  }
  return { key, certificate, notAfter, fingerprint: own.fingerprint256 }
}

async function readPem(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    if (size > PEM_BYTES_MAX) {
      throw new RelayError(
        'certificate',
        `Cannot use ${path}: ${size} bytes, limit ${PEM_BYTES_MAX}`,
      )
    }
    return await file.readFile('utf8')
  } catch (cause) {
    if (cause instanceof RelayError) throw cause
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new RelayError('certificate', `Cannot read ${path}: ${code}`, { cause })
  }
}
