import { AgentError } from '../agent-error.ts'
import type { Body } from '../patterns/message.ts'

/**
 * How bodies become one value. `sum`, `min` and `max` take finite numbers and leave other bodies
 * out. An application's own has to be associative: it also reduces values that it made itself.
 */
export type Reducer =
  | 'count'
  | 'list'
  | 'max'
  | 'min'
  | 'sum'
  | { readonly name: string; readonly reduce: (bodies: readonly Body[]) => Body }

/** Characters of the name of an application's reducer. */
export const REDUCER_NAME_MAX = 64

/** The name under which a reducer is declared. @throws AgentError `argument` */
export function reducerName(reducer: Reducer): string {
  if (typeof reducer === 'string') return reducer
  if (/^[a-z0-9-]+$/.test(reducer.name) && reducer.name.length <= REDUCER_NAME_MAX) {
    return `own:${reducer.name}`
  }
  const form = `1 to ${REDUCER_NAME_MAX} of a-z, 0-9 and -`
  throw new AgentError('argument', `Cannot name a reducer "${reducer.name}": it has to be ${form}`)
}

/** Whether a body has a part in the value. */
export function isReducible(reducer: Reducer, body: Body): boolean {
  return reducer === 'sum' || reducer === 'min' || reducer === 'max' ? Number.isFinite(body) : true
}

/** The value of bodies, each of which {@link isReducible}; of none: null, 0 or an empty list. */
export function reduceBodies(reducer: Reducer, bodies: readonly Body[]): Body {
  switch (reducer) {
    case 'count':
      return bodies.length
    case 'list':
      return [...bodies]
    case 'sum':
      return numbers(bodies).reduce((sum, body) => sum + body, 0)
    case 'min':
      return bodies.length === 0 ? null : numbers(bodies).reduce((a, b) => Math.min(a, b))
    case 'max':
      return bodies.length === 0 ? null : numbers(bodies).reduce((a, b) => Math.max(a, b))
    default:
      return bodies.length === 0 ? null : reducer.reduce(bodies)
  }
}

/** The value of values that were reduced already. */
export function mergeValues(reducer: Reducer, values: readonly Body[]): Body {
  switch (reducer) {
    case 'count':
      return reduceBodies('sum', values)
    case 'list':
      return values.flatMap((value) => (Array.isArray(value) ? (value as readonly Body[]) : []))
    default:
      return reduceBodies(
        reducer,
        values.filter((value) => value !== null),
      )
  }
}

/** Whether a value can be that of so many bodies, as far as its form tells. */
export function canBeValue(reducer: Reducer, value: Body, count: number): boolean {
  switch (reducer) {
    case 'count':
      return value === count
    case 'list':
      return Array.isArray(value) && value.length === count
    case 'sum':
    case 'min':
    case 'max':
      return Number.isFinite(value)
    default:
      return true
  }
}

/** Whether a value can be that of bodies of which this is the one in that place. */
export function canContain(
  reducer: Reducer,
  value: Body,
  {
    body,
    place,
    equal,
  }: {
    readonly body: Body
    readonly place: number
    readonly equal: (left: Body, right: Body) => boolean
  },
): boolean {
  switch (reducer) {
    case 'list':
      return Array.isArray(value) && equal(value[place] as Body, body)
    case 'min':
      return Number(value) <= Number(body)
    case 'max':
      return Number(value) >= Number(body)
    default:
      return true
  }
}

function numbers(bodies: readonly Body[]): readonly number[] {
  return bodies.map(Number)
}
