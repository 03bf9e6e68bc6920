import { tell, type AttackEvent } from '../events.ts'

/** Tells of an attack; without other words it is seen at the planner, and had no effect. */
export function tellAttack(
  attack: Omit<AttackEvent, 'at' | 'hadEffect'> & Partial<Pick<AttackEvent, 'at' | 'hadEffect'>>,
): void {
  tell({ event: 'attack', attack: { at: 'planner', hadEffect: false, ...attack } })
}
