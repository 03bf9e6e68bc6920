import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What is missing to make one here, if anything. */
export function missingOpenssl(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed'
}

/** A certificate for loopback that signs itself, on P-256 as most sites have it; PEM files. */
export async function makeCertificate(
  folder: string,
): Promise<{ readonly keyPath: string; readonly certificatePath: string }> {
  const [keyPath, certificatePath] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1'
  const out = ['-keyout', keyPath, '-out', certificatePath]
  await promisify(execFile)('openssl', [...request.split(' '), ...out])
  return { keyPath, certificatePath }
}
