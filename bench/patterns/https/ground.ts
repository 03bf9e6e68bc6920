import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ground } from '../ground.ts'
import { makeCertificate } from './certificate.ts'

/** One certificate, which servers show and clients trust: in settings, and by Node's own variable. */
export async function openCertificate(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-https-'))
  const { keyPath, certificatePath } = await makeCertificate(folder)
  return {
    settings: {
      key: await readFile(keyPath, 'utf8'),
      certificate: await readFile(certificatePath, 'utf8'),
    },
    environment: { NODE_EXTRA_CA_CERTS: certificatePath },
    pids: [],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
