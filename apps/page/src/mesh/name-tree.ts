/** A name in the tree of names, with what stands below it. */
export interface NameBranch<T> {
  readonly name: string
  /** What is known of the name itself; undefined for one that only leads to others. */
  readonly item: T | undefined
  readonly children: readonly NameBranch<T>[]
}

interface Branch<T> {
  readonly name: string
  item: T | undefined
  readonly children: Map<string, Branch<T>>
}

/**
 * The names as a tree, by their labels from the right: at its top stand the organisations, below
 * names that lead nowhere else are drawn together with what they lead to.
 */
export function nameTree<T>(items: ReadonlyMap<string, T>): readonly NameBranch<T>[] {
  const top: Branch<T> = { name: '', item: undefined, children: new Map() }
  for (const [name, item] of items) {
    let branch = top
    const labels = name.split('.')
    for (let index = labels.length - 1; index >= 0; index--) {
      const label = labels[index]!
      let next = branch.children.get(label)
      if (next === undefined) {
        next = { name: labels.slice(index).join('.'), item: undefined, children: new Map() }
        branch.children.set(label, next)
      }
      branch = next
    }
    branch.item = item
  }
  return childrenOf(top)
}

function childrenOf<T>(branch: Branch<T>): readonly NameBranch<T>[] {
  return [...branch.children.values()].map(shown).toSorted((a, b) => compare(a.name, b.name))
}

/** A top-level domain is nobody's name here: its one organisation stands in its place. */
function shown<T>(branch: Branch<T>): NameBranch<T> {
  const isDomain = !branch.name.includes('.')
  const [only] = branch.children.values()
  if (isDomain && branch.item === undefined && branch.children.size === 1) return shown(only!)
  return { name: branch.name, item: branch.item, children: childrenOf(branch) }
}

/** As people count: r2 before r10. */
function compare(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true })
}
