import {
  decode,
  encode,
  readArray,
  readInteger,
  readList,
  readText,
  TrustError,
  type Field,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { CODE_BYTES_MAX, DELIVER_WINDOW_BUNDLES_MAX } from '../limits.ts'
import { CHANNEL_FRAME_BYTES_MAX } from '../transport.ts'

/** One bundle of a direct stream that was not accepted. */
export interface NotAccepted {
  /** Its place on the stream, from 1. */
  readonly place: number
  /** Why, in the receiver's words: one of its codes. */
  readonly code: string
}

/** What a host tells of a direct stream: all bundles up to a place are decided. */
export interface Acknowledgement {
  readonly through: number
  /** Those after the acknowledgement before that were not accepted, by place. */
  readonly refused: readonly NotAccepted[]
}

/** The bytes of an acknowledgement: `[1, "ack", through, [[place, code], …]]`. */
export function encodeAcknowledgement({ through, refused }: Acknowledgement): Uint8Array {
  const pairs = refused.map(({ place, code }) => [place, code])
  return encode([VERSION, 'ack', through, pairs], { bytesMax: CHANNEL_FRAME_BYTES_MAX })
}

/**
 * Reads an acknowledgement that follows one through `before`, on a stream of `sent` bundles.
 * "It goes beyond the one before it, and not beyond what was sent; refused places rise, and lie
 * between."
 * @throws TrustError `encoding`, `form`, `unsupported`
 */
export function decodeAcknowledgement(
  bytes: Uint8Array,
  { before, sent }: { readonly before: number; readonly sent: number },
): Acknowledgement {
  const value = decode(bytes, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  checkVersion(value, 'acknowledgement')
  const [, kind, throughField, refusedField] = readArray(value, 'acknowledgement', 4)
  if (kind !== 'ack') {
    throw new TrustError('unsupported', 'Cannot read acknowledgement: its kind is not known')
  }
  const through = readInteger(throughField, 'acknowledged place', { min: 1, max: 2 ** 52 })
  if (through <= before || through > sent) {
    const limits = `it has to be above ${before} and at most ${sent}`
    throw new TrustError('form', `Cannot read acknowledgement of place ${through}: ${limits}`)
  }
  const refused = readList(refusedField, 'refused places', {
    itemsMax: DELIVER_WINDOW_BUNDLES_MAX,
    item: readNotAccepted,
  })
  let last = before
  for (const { place } of refused) {
    if (place <= last || place > through) {
      const limits = `it has to be above ${last} and at most ${through}`
      throw new TrustError('form', `Cannot read refused place ${place}: ${limits}`)
    }
    last = place
  }
  return { through, refused }
}

function readNotAccepted(field: Field, what: string): NotAccepted {
  const [place, code] = readArray(field, what, 2)
  return {
    place: readInteger(place, what, { min: 1, max: 2 ** 52 }),
    code: readText(code, what, CODE_BYTES_MAX),
  }
}
