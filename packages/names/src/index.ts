export * from './limits.ts'
export { NameError, type NameCode } from './name-error.ts'
export { isName, parseName, type Name } from './name.ts'
export { nameForPeople, nameFromUser } from './user-name.ts'
export {
  ancestors,
  childName,
  depthBelow,
  isAtOrBelow,
  isBelow,
  labels,
  parentName,
} from './lineage.ts'
export { isReservedPool, poolLabel, poolNode, poolOf } from './pool.ts'
export {
  covers,
  coversAll,
  liesWithin,
  matches,
  parsePattern,
  patternBase,
  type Pattern,
} from './pattern.ts'
export { parseTopicString, topicString, type Topic } from './topic.ts'
