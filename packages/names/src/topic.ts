import { topicStringLengthMax } from './limits.ts'
import { findLengthFault, nameError, type Fault } from './name-error.ts'
import { parseName, type Name } from './name.ts'

/** A topic is a name; its owner has authority over it by being its owner (design section 3). */
export type Topic = Name

const prefix = '/ixj/1/'

/** The topic as gossipsub knows it: `/ixj/1/` and the name. */
export function topicString(topic: Topic): `/ixj/1/${string}` {
  return `${prefix}${topic}`
}

/**
 * Reads a gossipsub topic string; the exact inverse of `topicString`. Cost: the length is checked
 * first, as in `parseName`.
 *
 * @throws NameError `topic` for another prefix, `too-long`, `empty`, `not-text`, or a code of
 * `parseName` for the name.
 */
export function parseTopicString(text: string): Topic {
  const fault = findLengthFault(text, topicStringLengthMax) ?? findPrefixFault(text)
  if (fault !== undefined) throw nameError('read the topic', text, fault)
  return parseName(text.slice(prefix.length))
}

function findPrefixFault(text: string): Fault | undefined {
  if (text.startsWith(prefix)) return undefined
  return { code: 'topic', reason: `it does not start with "${prefix}"` }
}
