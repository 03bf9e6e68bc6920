import type { HostAbilities } from '@ixj/agent'
import { loadAbility } from './load-ability.ts'

/** What a page downloads when it is first used. It carries nothing for others. */
export const pageAbilities: HostAbilities = {
  approvals: () => loadAbility('approvals', () => import('@ixj/agent/approvals')),
  births: () => loadAbility('births', () => import('@ixj/agent/births')),
  sealing: () => loadAbility('sealed groups', () => import('@ixj/agent/sealing')),
  gathering: () => loadAbility('gathering', () => import('@ixj/agent/gathering')),
  tasks: () => loadAbility('tasks', () => import('@ixj/agent/tasks')),
}
