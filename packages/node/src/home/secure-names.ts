import { dirname } from 'node:path'
import { openSecureNames, type SecureNamesFile } from '@ixj/dns'
import { makeFolder } from './file.ts'
import type { Home } from './home.ts'

/**
 * Opens what a home remembers of zones that were seen signed, and makes its folder if need be:
 * otherwise a new home would remember nothing. @throws DnsError `storage`; HomeError `file`
 */
export async function openHomeSecureNames(home: Home): Promise<SecureNamesFile> {
  await makeFolder(dirname(home.secureNamesPath))
  return openSecureNames(home.secureNamesPath)
}
