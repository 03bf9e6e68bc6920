import { type Name, type Pattern, poolLabel, poolOf } from '@ixj/names'

/** Every name in a pool, as it is bound and holds grants: one key has them all. */
export function poolPattern(pool: Name): Pattern {
  return `**.${pool}` as Pattern
}

/** Whether a binding is of a pool: nothing else is bound under that label. */
export function isPool({ name }: { readonly name: Name }): boolean {
  return name.startsWith(`${poolLabel}.`)
}

/** The name that bindings have to lead to: of an agent in a pool the pool, which alone is bound. */
export function boundName(name: Name): Name {
  return poolOf(name) ?? name
}
