export { keptMessages } from '../patterns/kept-messages.ts'
export { attest, vouchedAt } from '../sync/attestation.ts'
