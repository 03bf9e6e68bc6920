import { describe, expect, it } from 'vitest'
import { nameTree } from '../src/mesh/name-tree.ts'

describe('nameTree()', () => {
  it('puts names under those above them, in the order in which people count', () => {
    const names = ['r10.robots.acme.example', 'r2.robots.acme.example', 'sam.acme.example']
    const [top, ...others] = nameTree(new Map(names.map((name) => [name, name])))
    expect(others).toEqual([])
    expect(top).toMatchObject({ name: 'acme.example', item: undefined })
    const [robots, sam] = top!.children
    expect(robots!.children.map(({ name }) => name.split('.')[0])).toEqual(['r2', 'r10'])
    expect(sam).toMatchObject({ name: 'sam.acme.example', item: 'sam.acme.example' })
  })

  it('shows an organisation that has something of its own, and two under one domain', () => {
    const tree = nameTree(
      new Map([
        ['acme.example', 1],
        ['globex.example', 2],
      ]),
    )
    expect(tree).toMatchObject([
      { name: 'example', children: [{ name: 'acme.example' }, { name: 'globex.example' }] },
    ])
  })
})
