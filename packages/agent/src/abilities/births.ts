export { Nursery } from '../host/nursery.ts'
export { Pool } from '../host/pool.ts'
export { bear } from '../patterns/births.ts'
export { issueTo, makeOffer, readBound, readOffer } from '../patterns/naming.ts'
