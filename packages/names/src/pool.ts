import type { Name } from './name.ts'

/** The label below a node's name under which its nameless, short-lived agents live. */
export const poolLabel = 'pool'

/**
 * Whether a name has the label `pool` anywhere, so that nothing but a pool agent of `poolNode` may
 * be bound to it.
 */
export function isReservedPool(name: Name): boolean {
  // Asked of every sender, and hardly any has it: most are told apart by one look.
  return name.includes(poolLabel) && name.split('.').includes(poolLabel)
}

/**
 * The node N whose pool a name is in: the name is strictly below `pool.N`; undefined for all other
 * names, reserved or not.
 *
 * Of several labels `pool` the highest counts, so that N itself never has one: else an agent of a
 * pool could pass for a node with a pool of its own. Undefined also where what follows the label is
 * no name, as in `a.pool.example`.
 */
export function poolNode(name: Name): Name | undefined {
  // Asked several times of every message: nothing is cut into labels.
  const place = name.lastIndexOf(`.${poolLabel}.`)
  if (place < 0 || name.endsWith(`.${poolLabel}`)) return undefined
  const node = name.slice(place + poolLabel.length + 2)
  // The end of a name is one where it has two labels.
  return node.includes('.') ? (node as Name) : undefined
}

/**
 * The pool that a name is in, `pool.N`; undefined for all other names. What is bound is the pool and
 * no name in it, so this is the name that a proof is about.
 */
export function poolOf(name: Name): Name | undefined {
  const node = poolNode(name)
  return node === undefined ? undefined : (`${poolLabel}.${node}` as Name)
}
