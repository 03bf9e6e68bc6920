import { array, assert, boolean, integer, nat, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { Appointments } from '../src/appointments.ts'

test('take() gives calls by time, then by the order of asking, without those taken back', () => {
  assert(
    property(
      array(record({ time: nat(20), isTakenBack: boolean() }), { maxLength: 200 }),
      integer({ min: 0, max: 50 }),
      (calls, takenEarly) => {
        const appointments = new Appointments()
        const made = calls.map(({ time, isTakenBack }, order) => {
          const takeBack = appointments.add({ time, order, run: () => {} })
          return { time, order, isTakenBack, takeBack }
        })
        const early = Array.from({ length: takenEarly }, () => appointments.take()?.order)
        const left = made.filter(({ order }) => !early.includes(order))
        for (const { isTakenBack, takeBack } of left) if (isTakenBack) takeBack()
        // Taken, or taken back already: nothing is left to do.
        for (const { takeBack, isTakenBack, order } of made) {
          if (isTakenBack || early.includes(order)) takeBack()
        }
        const expected = left
          .filter(({ isTakenBack }) => !isTakenBack)
          .toSorted((a, b) => a.time - b.time || a.order - b.order)
          .map(({ order }) => order)
        expect(appointments.size).toBe(expected.length)
        const taken = expected.map(() => appointments.take()?.order)
        expect(taken).toEqual(expected)
        expect(appointments.take()).toBeUndefined()
      },
    ),
  )
})
