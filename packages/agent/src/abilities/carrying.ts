export { CarriedTopics } from '../relay/carried-topics.ts'
export { Passing } from '../relay/passing.ts'
