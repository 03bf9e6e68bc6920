import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ground } from '../ground.ts'
import { makeCertificate } from '../https/certificate.ts'
import { hasProgram, startServer } from '../server.ts'

const PROGRAM = 'nats-server'

/** What is missing for it here, if anything. */
export function missingNats(): string | undefined {
  return hasProgram(PROGRAM, '--version')
    ? undefined
    : `${PROGRAM} is not installed (npm run test:setup)`
}

/** A nats-server on a free port of loopback, which may keep what a slow reader has not read yet. */
export async function openNatsServer(): Promise<Ground> {
  return await openServer(async () => ({ lines: [], settings: {} }))
}

/** The same with TLS 1.3, with one certificate for loopback. */
export async function openNatsTlsServer(): Promise<Ground> {
  return await openServer(async (folder) => {
    const { keyPath, certificatePath } = await makeCertificate(folder)
    const tls = `tls: { cert_file: "${certificatePath}", key_file: "${keyPath}" }`
    return { lines: [tls], settings: { certificate: await readFile(certificatePath, 'utf8') } }
  })
}

async function openServer(
  prepare: (folder: string) => Promise<{
    readonly lines: readonly string[]
    readonly settings: Readonly<Record<string, string>>
  }>,
): Promise<Ground> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-nats-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const { lines, settings } = await prepare(folder)
  const configuration = join(folder, 'nats.conf')
  const common = ['listen: "127.0.0.1:-1"', 'max_pending: 1GB', 'write_deadline: "60s"']
  await writeFile(configuration, [...common, ...lines, ''].join('\n'))
  const server = opening.use(
    await startServer(PROGRAM, ['-c', configuration, '--ports_file_dir', folder]),
  )
  const port = await readPort(join(folder, `nats-server_${server.pid}.ports`))
  const { privateKey } = generateKeyPairSync('ed25519')
  const opened = opening.move()
  return {
    settings: {
      ...settings,
      port,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    pids: [server.pid],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The server writes its ports when it listens. */
async function readPort(path: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    try {
      const { nats } = JSON.parse(await readFile(path, 'utf8')) as { nats: readonly string[] }
      return new URL(nats[0] ?? '').port
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'ENOENT' && !(cause instanceof SyntaxError)) throw cause
    }
  }
  throw new Error(`${PROGRAM} did not listen within 5 s`)
}
