import { Town } from '../town.ts'

/** Three members on as many nodes that know each other. */
export async function threeMembers(
  options: { readonly loss?: number; readonly seed?: number } = {},
) {
  const town = await Town.open(3, options)
  const one = await town.member('a', 1)
  const two = await town.member('b', 2)
  const three = await town.member('c', 3)
  await town.world.pass(1_000)
  const [a, b, c] = [one.crew.state, two.crew.state, three.crew.state]
  const members = [one, two, three] as const
  return { town, members, a, b, c, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}
