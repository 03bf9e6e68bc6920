import type { HostAbilities } from '@ixj/agent'
import { loadAbility } from './load-ability.ts'

/** What a page downloads when it is first used. It carries nothing for others. */
const onFirstUse: HostAbilities = {
  approvals: () => loadAbility('approvals', () => import('@ixj/agent/approvals')),
  births: () => loadAbility('births', () => import('@ixj/agent/births')),
  sealing: () => loadAbility('sealed groups', () => import('@ixj/agent/sealing')),
  sheaves: () => loadAbility('sheaves', () => import('@ixj/agent/sheaves')),
  gathering: () => loadAbility('gathering', () => import('@ixj/agent/gathering')),
  history: () => loadAbility('history', () => import('@ixj/agent/history')),
  tasks: () => loadAbility('tasks', () => import('@ixj/agent/tasks')),
}

/** What a host in a page has; shared state is downloaded before it opens, as nothing may be missed. */
export function pageAbilities(options: { readonly sharedState: boolean }): HostAbilities {
  const state = () => loadAbility('shared state', () => import('@ixj/agent/state'))
  return options.sharedState ? { ...onFirstUse, state } : onFirstUse
}
