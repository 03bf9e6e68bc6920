import { Point } from '@noble/ed25519'

/** Every second y is on the curve, and every second point of those has a small part of order 8. */
const CANDIDATES_MAX = 100

/**
 * The 8 points of small order, the neutral one first; each is the one before plus a generator. From
 * the library: the group order times any point lands among the 8, and times a point whose own small
 * part has order 8 lands on a generator of them.
 */
export function smallOrderPoints(): Point[] {
  const generator = findGenerator()
  const points = [Point.ZERO]
  while (points.length < 8) points.push(points.at(-1)!.add(generator))
  return points
}

function findGenerator(): Point {
  const encoding = new Uint8Array(32)
  for (let y = 2; y < CANDIDATES_MAX; y++) {
    encoding[0] = y
    const point = tryDecode(encoding)
    if (point === undefined) continue
    const { n } = Point.CURVE()
    // The library multiplies by less than the group order only.
    const torsion = point.multiply(n - 1n, false).add(point)
    if (!torsion.double().double().is0()) return torsion
  }
  throw new Error(`No generator of the points of small order among ${CANDIDATES_MAX} candidates`)
}

function tryDecode(encoding: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoding)
  } catch {
    // Not on the curve, which is what we asked.
    return undefined
  }
}
