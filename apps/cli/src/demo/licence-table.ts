import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' }
import { findPackages, readPackage } from './packages.ts'

const known: ReadonlySet<string> = new Set(licenceIds)

/** Whether a licence string is an SPDX identifier as written. */
export function isKnownLicence(licence: string): boolean {
  return known.has(licence)
}

/** Packages by licence string: the most frequent first, then by text. */
export type LicenceTable = readonly (readonly [licence: string, packages: number])[]

/** Counts licence strings. */
export function tableOf(licences: Iterable<string>): LicenceTable {
  const counts = new Map<string, number>()
  for (const licence of licences) counts.set(licence, (counts.get(licence) ?? 0) + 1)
  return [...counts].toSorted(([left, more], [right, fewer]) =>
    more === fewer ? (left < right ? -1 : 1) : fewer - more,
  )
}

/** The plain count in one process, which the mesh's result is held against. */
export async function countPlainly(root: string): Promise<LicenceTable> {
  const licences: string[] = []
  for (const folder of await findPackages(root)) {
    licences.push((await readPackage(root, folder)).licence)
  }
  return tableOf(licences)
}

/** Whether two tables say the same. */
export function sameTable(left: LicenceTable, right: LicenceTable): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
