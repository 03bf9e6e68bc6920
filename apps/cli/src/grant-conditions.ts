import type { Condition } from '@ixj/trust'
import type { Command } from 'commander'
import { numberArgument, nameArgument, listArgument } from './arguments.ts'
import { ArgumentError } from './command-error.ts'

/** Conditions as options of the command line. */
export interface ConditionFlags {
  readonly hours?: readonly [number, number]
  readonly perSecond?: number
  readonly bytes?: number
  readonly maxPriority?: number
  readonly approvals?: readonly [number, readonly string[]]
}

/** Adds the options of conditions to a command. */
export function addConditionOptions(command: Command): Command {
  return command
    .option(
      '--hours <from-to>',
      'only then, in UTC, as 22:00-06:00; past midnight too',
      hoursArgument,
    )
    .option('--per-second <count>', 'messages a second, at each receiver', countArgument)
    .option('--bytes <count>', 'bytes of a message', countArgument)
    .option('--max-priority <level>', 'up to this, 0 to 3', numberArgument({ min: 0, max: 3 }))
    .option(
      '--approvals <k:names>',
      'approvals of k of these names, as 2:ann…,bob…',
      approvalsArgument,
    )
}

/** The conditions that options stand for. */
export function conditionsOf(flags: ConditionFlags): readonly Condition[] {
  const { hours, perSecond, bytes, maxPriority, approvals } = flags
  const all: readonly (readonly [string, Condition[1] | undefined])[] = [
    ['hours', hours],
    ['messagesPerSecond', perSecond],
    ['bytesPerMessage', bytes],
    ['maxPriority', maxPriority],
    ['approvals', approvals],
  ]
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

function countArgument(text: string): number {
  return numberArgument({ min: 1, max: 1_000_000_000 })(text)
}

function hoursArgument(text: string): readonly [number, number] {
  const form = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/
  const parts = form.exec(text)?.slice(1).map(Number)
  const [fromHour, fromMinute, toHour, toMinute] = parts ?? []
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  if (parts !== undefined && from !== to) return [from, to]
  const reason = 'hours are two different times of the day in UTC, as 22:00-06:00'
  throw new ArgumentError('usage', `Cannot read ${JSON.stringify(text)}: ${reason}`)
}

function approvalsArgument(text: string): readonly [number, readonly string[]] {
  const [, needed, list = ''] = /^(\d{1,2}):(.+)$/.exec(text) ?? []
  if (needed === undefined) {
    const reason = 'approvals are how many, ":", and exact names with commas between them'
    throw new ArgumentError('usage', `Cannot read ${JSON.stringify(text)}: ${reason}`)
  }
  const names = listArgument(list).map((name) => nameArgument(name))
  return [numberArgument({ min: 1, max: names.length })(needed), names]
}
