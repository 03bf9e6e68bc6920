import { afterEach, describe, expect, it, vi } from 'vitest'
import { AuditTrail } from '../../packages/agent/src/host/audit-trail.ts'
import { Topics } from '../../packages/agent/src/host/topics.ts'
import { Order } from '../../packages/agent/src/pipeline/order.ts'
import { ReplayTable } from '../../packages/agent/src/pipeline/replay.ts'
import { UntoldGaps } from '../../packages/agent/src/pipeline/untold-gaps.ts'
import { ReceivedTasks } from '../../packages/agent/src/tasks/received-tasks.ts'
import { Registers } from '../../packages/agent/src/state/registers.ts'
import { Roster } from '../../packages/agent/src/presence/roster.ts'
import { RevocationBook } from '../../packages/trust/src/revocation-book.ts'
import type { KeyRing } from '../world/world.ts'
import { violationsOf } from './checks/all-checks.ts'
import type { Rule } from './checks/check.ts'
import { drawPlan } from './draw-plan.ts'
import { History } from './history.ts'
import { keyedHashRing } from './keyed-hash.ts'
import type { Plan, PlannedEvent } from './plan.ts'
import { play } from './play.ts'

// A run costs a second or less; machines that do much else at once take many times as long.
vi.setConfig({ testTimeout: 120_000 })

afterEach(() => void vi.restoreAllMocks())

/** Puts something in the place of a method until the end of the test. */
function replace<T extends object, Name extends keyof T & string>(
  prototype: T,
  method: Name,
  replaced: (original: T[Name]) => T[Name],
): void {
  const original = prototype[method]
  vi.spyOn(prototype, method as never).mockImplementation(replaced(original) as never)
}

/** The first plan, from seed 1 on, in which this happens early. */
function planWith(happens: (event: PlannedEvent) => boolean): Plan {
  for (let seed = 1; ; seed++) {
    const plan = drawPlan(seed)
    if (plan.events.some((event) => event.at < plan.busyMs / 2 && happens(event))) return plan
  }
}

/** The rules that a run of the plan breaks. */
async function rulesBroken(plan: Plan, keys?: KeyRing): Promise<ReadonlySet<Rule>> {
  return new Set(violationsOf(plan, await play(plan, keys)).map(({ rule }) => rule))
}

const anyPlan = drawPlan(3)
const isGroupTask = (event: PlannedEvent) =>
  event.kind === 'task' && event.to !== null && event.to.length > 2
const attackedBy = (kind: string) =>
  planWith((event) => event.kind === 'attack' && event.attack === kind)

describe('a run of the product', () => {
  it('breaks no rule as it is', async () => {
    for (const plan of [anyPlan, attackedBy('forge'), attackedBy('replay')]) {
      expect(await rulesBroken(plan)).toEqual(new Set())
    }
  })

  it('breaks "forgery" if every signature is taken for good', async () => {
    const gullible = { ...keyedHashRing(), verifier: { verify: () => true } }
    expect(await rulesBroken(attackedBy('forge'), gullible)).toContain('forgery')
  })

  it('breaks "duplicate" if everything is delivered twice', async () => {
    replace(
      Topics.prototype,
      'audience',
      (audience) =>
        function (this: Topics, header) {
          return audience.call(this, header).flatMap((sink) => [sink, sink])
        },
    )
    expect(await rulesBroken(anyPlan)).toContain('duplicate')
  })

  it('breaks "duplicate" if what was accepted is forgotten', async () => {
    vi.spyOn(ReplayTable.prototype, 'checkEarly').mockImplementation(() => {})
    vi.spyOn(ReplayTable.prototype, 'write').mockImplementation(() => {})
    expect(await rulesBroken(attackedBy('equivocate'))).toContain('duplicate')
  })

  it('breaks "loss" if now and then one receiver is left out', async () => {
    let calls = 0
    replace(
      Topics.prototype,
      'audience',
      (audience) =>
        function (this: Topics, header) {
          return audience.call(this, header).slice(calls++ % 7 === 0 ? 1 : 0)
        },
    )
    expect(await rulesBroken(anyPlan)).toContain('loss')
  })

  it('breaks "order" if every second bundle comes behind the one after it', async () => {
    let held = () => {}
    vi.spyOn(Order.prototype, 'push').mockImplementation((_stream, place, _options, run) => {
      const deliver = () => run({ gap: 0, late: false }, new UntoldGaps())
      if (place.first % 2 === 0) {
        deliver()
        held()
        held = () => {}
      } else {
        held()
        held = deliver
      }
      return 'goes on'
    })
    expect(await rulesBroken(anyPlan)).toContain('order')
  })

  it('breaks "task" if a task is handed out twice, or never', async () => {
    const times = [0, 2]
    for (const count of times) {
      replace(
        ReceivedTasks.prototype,
        'take',
        (take) =>
          async function (this: ReceivedTasks, accepted, endsAt, hand) {
            await take.call(this, accepted, endsAt, (turn) => {
              for (let handed = 0; handed < count; handed++) hand(turn)
            })
          },
      )
      expect(await rulesBroken(planWith(isGroupTask))).toContain('task')
      vi.restoreAllMocks()
    }
  })

  it('breaks "convergence" if a register is not seen now and then', async () => {
    let calls = 0
    replace(
      Registers.prototype,
      'all',
      (all) =>
        function (this: Registers) {
          return all.call(this).slice(calls++ % 2)
        },
    )
    expect(await rulesBroken(anyPlan)).toContain('convergence')
  })

  it('breaks "authority" if revocations are forgotten', async () => {
    vi.spyOn(RevocationBook.prototype, 'ofKey').mockReturnValue(undefined)
    vi.spyOn(RevocationBook.prototype, 'ofStatement').mockReturnValue(undefined)
    expect(await rulesBroken(planWith(({ kind }) => kind === 'revoke'))).toContain('authority')
  })

  it('breaks "authority" if somebody is heard after the end of what bound him', () => {
    const history = new History(() => 1_000_000)
    const life = 'a/1'
    const said = { action: 'publish', to: null, lifespanMs: 1_000, topic: 'crew' } as const
    history.add({ kind: 'bound', agent: 'b', notAfter: 900_000 })
    history.add({ kind: 'said', label: 'b#1', body: 'b#1', by: 'b', life: 'b/1', ...said })
    const heard = { label: 'b#1', body: 'b#1', by: 'a', life, sender: 'b', topic: 'crew' }
    const how = { class: 'event', id: '', gap: 0, late: false } as const
    // Skew of 60 s, and 2 s behind a gap: 962 s are allowed.
    history.add({ kind: 'heard', ...heard, ...how, localTime: 962_000 })
    const found = () => violationsOf(anyPlan, history).filter(({ rule }) => rule === 'authority')
    expect(found()).toHaveLength(0)
    history.add({ kind: 'heard', ...heard, ...how, localTime: 962_001 })
    expect(found()).toHaveLength(1)
  })

  it('breaks "audit" if every tenth record is not made', async () => {
    let calls = 0
    replace(
      AuditTrail.prototype,
      'accepted',
      (accepted) =>
        function (this: AuditTrail, ...given) {
          return calls++ % 10 === 0 ? undefined : accepted.apply(this, given)
        },
    )
    expect(await rulesBroken(anyPlan)).toContain('audit')
  })

  it('breaks "convergence" if a member is not seen', async () => {
    replace(
      Roster.prototype,
      'members',
      (members) =>
        function (this: Roster) {
          return members.call(this).slice(1)
        },
    )
    expect(await rulesBroken(anyPlan)).toContain('convergence')
  })

  it('breaks "fault" if a table fails', async () => {
    vi.spyOn(ReplayTable.prototype, 'write').mockImplementation(() => {
      throw new Error('The table is broken')
    })
    expect(await rulesBroken(anyPlan)).toContain('fault')
  })
})
