import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { inject } from 'vitest'
import { isContinuousIntegration, realTools } from '../dns/real-tools.ts'

const UNSHARE = 'unshare'

/** Makes a namespace, opens what TAP devices come from, and filters: all that a network needs. */
const TRIAL = 'ip link set lo up && exec 3<>/dev/net/tun && nft add table ip trial'

/**
 * Whether networks of namespaces can be made here, for `describe.runIf(realNetwork('the title'))`.
 * Only root may, and not in every container. Where it is not permitted, continuous integration
 * fails; elsewhere the tests are left out, and one line after all tests says which.
 */
export function realNetwork(what: string): boolean {
  if (!realTools(what, 'ip', 'nft', 'python3', UNSHARE)) return false
  const { status, stderr } = spawnSync(UNSHARE, ['--net', 'sh', '-c', TRIAL], {
    encoding: 'utf8',
  })
  if (status === 0) return true
  if (isContinuousIntegration()) {
    throw new Error(`Cannot test ${what}: network namespaces are not permitted here: ${stderr}`)
  }
  appendFileSync(inject('leftOutFile'), `${what} (network namespaces are not permitted)\n`)
  return false
}
