import { formatSignedCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts'
import { utf8Bytes } from '@ixj/trust'

/** One note of a list. */
export interface ListedNote {
  readonly text: string
  /** Bytes of the list up to its end. */
  readonly end: number
}

/** Em dash and space in UTF-8: how a line of signature begins. */
const MARK = utf8Bytes('— ')
const NEWLINE = 0x0a

/**
 * The notes of a log's checkpoints, one after the other. A note ends with its lines of signature,
 * and no origin begins like one of those, so nothing has to stand between two notes.
 */
export function formatCheckpointList(checkpoints: readonly SignedCheckpoint[]): Uint8Array {
  return utf8Bytes(checkpoints.map((each) => formatSignedCheckpoint(each)).join(''))
}

/**
 * Takes a list of notes apart; checks nothing of them. What stands behind the last one's end is what
 * a torn write left. Bytes that are no UTF-8 are replaced, so that no signature holds over them.
 */
export function splitCheckpointList(bytes: Uint8Array): readonly ListedNote[] {
  const decoder = new TextDecoder()
  const notes: ListedNote[] = []
  let start = 0
  let signed = false
  const push = (end: number): void => {
    notes.push({ text: decoder.decode(bytes.subarray(start, end)), end })
    start = end
  }
  for (let offset = 0; ;) {
    const newline = bytes.indexOf(NEWLINE, offset)
    if (newline === -1) {
      // Only whole lines were looked at, so the last of them may have been the last of its note.
      if (signed) push(offset)
      return notes
    }
    const isSignature = MARK.every((byte, index) => bytes[offset + index] === byte)
    if (signed && !isSignature) push(offset)
    signed = isSignature
    offset = newline + 1
  }
}
