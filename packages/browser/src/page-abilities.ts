import type { HostAbilities } from '@ixj/agent'

/** What a page downloads when it is first used. It carries nothing for others. */
export const pageAbilities: HostAbilities = {
  approvals: () => import('@ixj/agent/approvals'),
  births: () => import('@ixj/agent/births'),
  gathering: () => import('@ixj/agent/gathering'),
}
