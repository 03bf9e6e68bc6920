import type { HostAbilities } from '@ixj/agent'
import { loadPart } from './load-part.ts'

/** What a page downloads when it is first used. It carries nothing for others. */
export const pageAbilities: HostAbilities = {
  approvals: () => loadPart('approvals', () => import('@ixj/agent/approvals')),
  births: () => loadPart('births', () => import('@ixj/agent/births')),
  gathering: () => loadPart('gathering', () => import('@ixj/agent/gathering')),
}
