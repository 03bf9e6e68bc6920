import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Ground } from '../ground.ts'

/** What is missing for it here, if anything. */
export function missingOpenssl(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed'
}

/** A certificate for loopback that signs itself, on P-256 as most sites have it. */
export async function openCertificate(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-https-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1'
  await promisify(execFile)('openssl', [...request.split(' '), '-keyout', key, '-out', certificate])
  const settings = {
    key: await readFile(key, 'utf8'),
    certificate: await readFile(certificate, 'utf8'),
  }
  await rm(folder, { recursive: true, force: true })
  return { settings, pids: [], [Symbol.asyncDispose]: async () => undefined }
}
