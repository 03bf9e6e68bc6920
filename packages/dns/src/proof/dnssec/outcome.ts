import type { DnsName } from '../wire/dns-name.ts'
import type { Asked, BogusReason } from './validation.ts'

/** Thrown where something contradicts the anchors; becomes {@link Bogus}. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reason: BogusReason

  constructor(reason: BogusReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Thrown where records are missing; becomes {@link Incomplete}. */
export class Needed extends Error {
  override readonly name = 'Needed'
  readonly needs: readonly Asked[]

  constructor(needs: readonly Asked[]) {
    super('Records are missing')
    this.needs = needs
  }
}

/** Thrown where a zone delegates without security; becomes {@link Insecure}. */
export class Unsecured extends Error {
  override readonly name = 'Unsecured'
  readonly below: DnsName | undefined

  constructor(below: DnsName | undefined) {
    super('No signed chain leads there')
    this.below = below
  }
}
