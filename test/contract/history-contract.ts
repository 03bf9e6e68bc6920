import { encode, toHex } from '@ixj/trust'
import type { HistoryRow, HistoryRows } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { rowOf } from '../world/history-rows.ts'

/** Rows that can be opened again, as after a restart. */
export interface RowsBench extends AsyncDisposable {
  readonly rows: HistoryRows
  /** Ends these, and opens them again. */
  again(): Promise<HistoryRows>
}

/** The facts that hold for every implementation of `HistoryRows`. */
export function historyContract(label: string, open: () => Promise<RowsBench>): void {
  const ids = (rows: readonly HistoryRow[]) => rows.map(({ id }) => id[0])

  describe(`history rows: ${label}`, () => {
    it('give what was put, at once, when it is stored, and after they were opened again', async () => {
      await using bench = await open()
      const { row, bytes } = rowOf(7, 60_000)
      const stored = bench.rows.put(row, bytes)
      expect(await bench.rows.read([row.id])).toEqual([bytes])
      await stored
      expect(await bench.rows.read([row.id])).toEqual([bytes])
      const rows = await bench.again()
      expect((await rows.load()).map((each) => ({ ...each }))).toEqual([row])
      expect((await rows.read([row.id])).map((each) => toHex(each!))).toEqual([toHex(bytes)])
    })

    it('give undefined for what is not there, in the order of the ids', async () => {
      await using bench = await open()
      const [one, two] = [rowOf(1), rowOf(2)]
      await Promise.all([one, two].map(({ row, bytes }) => bench.rows.put(row, bytes)))
      const found = await bench.rows.read([rowOf(9).row.id, two.row.id, one.row.id])
      expect(found.map((bytes) => bytes?.[0])).toEqual([undefined, 2, 1])
    })

    it('forget what was removed, before and after it was stored, and nothing else', async () => {
      await using bench = await open()
      const made = [1, 2, 3, 4].map((number) => rowOf(number))
      const stored = made.map(({ row, bytes }) => bench.rows.put(row, bytes))
      bench.rows.remove([made[0]!.row.id, rowOf(99).row.id])
      await Promise.all(stored)
      bench.rows.remove([made[2]!.row.id])
      const rows = await bench.again()
      expect(ids(await rows.load())).toEqual([2, 4])
      expect((await rows.read([made[0]!.row.id]))[0]).toBeUndefined()
    })

    it('take a view of a larger buffer, which may change afterwards', async () => {
      await using bench = await open()
      const { row } = rowOf(5)
      const buffer = new Uint8Array(10_000).fill(5)
      await bench.rows.put(row, buffer.subarray(100, 200))
      buffer.fill(0)
      const rows = await bench.again()
      expect((await rows.read([row.id]))[0]).toEqual(new Uint8Array(100).fill(5))
    })

    it('keep evidence, the first of each key, over restarts', async () => {
      await using bench = await open()
      const evidence = (key: string, second: number) => ({
        key,
        stream: 'lane|1',
        ids: ['one', 'other'] as const,
        bundles: [null, encode(second)] as const,
      })
      for (const each of [evidence('k1', 1), evidence('k1', 2), evidence('k2', 3)]) {
        await bench.rows.putEvidence(each)
      }
      const rows = await bench.again()
      expect((await rows.evidence()).map(({ key, bundles }) => [key, bundles[1][0]])).toEqual([
        ['k1', 1],
        ['k2', 3],
      ])
    })
  })
}
