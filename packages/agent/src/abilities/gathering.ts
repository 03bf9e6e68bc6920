export { Combiner } from '../combine/combiner.ts'
export { Gather } from '../patterns/gather.ts'
