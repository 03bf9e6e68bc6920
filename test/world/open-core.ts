import type { Core } from '../../packages/agent/src/host/core.ts'
import type { HostOptions } from '../../packages/agent/src/host/host-options.ts'
import { openCore } from '../../packages/agent/src/host/open-core.ts'
import { allAbilities } from '../../packages/agent/src/host/open-host.ts'
import { memoryStore } from '../../packages/agent/src/host/store.ts'
import { nodeSha256 } from './native-keys.ts'
import type { World } from './world.ts'

/** Opens what a node is made of with the clock, chance and keys of its world, but for those given. */
export function openWorldCore(
  world: World,
  options: Pick<HostOptions, 'identity' | 'anchors' | 'transport'> & Partial<HostOptions>,
): Promise<Core> {
  const parts = {
    clock: world.clock,
    random: world.bytes,
    verifier: world.verifier,
    generateKey: () => world.key(),
    store: memoryStore(),
    hash: nodeSha256,
  }
  return openCore({ ...parts, ...options }, allAbilities)
}
