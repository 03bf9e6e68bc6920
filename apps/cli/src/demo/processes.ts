import { type ChildProcess, startChild } from './child-process.ts'
import type { DemoEvent, Role, ZoneRole } from './events.ts'

/** A process of the main job that its parent started. */
export interface RoleProcess extends ChildProcess {
  readonly role: Role | ZoneRole
}

/** Starts one process of the main job, with the program that runs now. */
export function startRole(
  role: Role | ZoneRole,
  options: {
    readonly mesh: string
    readonly root: string
    readonly program: readonly string[]
    readonly hear: (event: DemoEvent) => void
    readonly fail: (cause: Error) => void
  },
): RoleProcess {
  const { program, root, mesh, hear, fail } = options
  const words = [...program, 'demo', 'licences', root, '--role', role, '--home', mesh]
  const child = startChild(words, {
    label: role,
    hear: (line) => {
      if (line.startsWith('{')) hear(JSON.parse(line) as DemoEvent)
    },
    fail,
  })
  return { role, ...child, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() }
}
