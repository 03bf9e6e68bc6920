import type { Code } from '@ixj/agent'
import { openScene, type Scene } from '../scene.ts'
import type { WorldNodeOptions } from '../../../../test/world/world.ts'

/** One way in which a bundle comes to a code. */
export interface Case {
  readonly does: string
  run(): Promise<void>
}

/** Cases by the code that they show. */
export type Rows = Partial<Readonly<Record<Code, readonly Case[]>>>

/** A case that plays in a scene of its own. */
export function inScene(
  does: string,
  play: (scene: Scene) => Promise<void>,
  options: WorldNodeOptions = {},
): Case {
  return {
    does,
    run: async () => {
      await using scene = await openScene(options)
      await play(scene)
    },
  }
}
