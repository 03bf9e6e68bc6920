import { type Purpose, PURPOSES } from '@ixj/trust'
import { listArgument } from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'

/** Purposes with commas between them. @throws ArgumentError `usage` */
export function purposesArgument(text: string): readonly Purpose[] {
  return listArgument(text).map((word) => {
    const purpose = PURPOSES.find((each) => each === word)
    if (purpose !== undefined) return purpose
    const reason = `${JSON.stringify(word)} is not one of ${PURPOSES.join(', ')}`
    throw new ArgumentError('usage', `Cannot read the purposes: ${reason}`)
  })
}
