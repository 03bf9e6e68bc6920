import { formatSignedCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts'

/**
 * The notes of a log's checkpoints, one after the other. A note ends with its lines of signature,
 * and no origin begins like one of those, so nothing has to stand between two notes.
 */
export function formatCheckpointList(checkpoints: readonly SignedCheckpoint[]): string {
  return checkpoints.map((each) => formatSignedCheckpoint(each)).join('')
}

/**
 * Takes a list of notes apart; checks nothing of them. What stands after the last line of signature,
 * and a last line without its end, is the `rest`: what a torn write left.
 */
export function splitCheckpointList(text: string): {
  readonly notes: readonly string[]
  readonly rest: string
} {
  const notes: string[] = []
  let start = 0
  let signed = false
  let offset = 0
  for (;;) {
    const end = text.indexOf('\n', offset)
    if (end === -1) break
    const isSignature = text.startsWith('— ', offset)
    if (signed && !isSignature) {
      notes.push(text.slice(start, offset))
      start = offset
    }
    signed = isSignature
    offset = end + 1
  }
  // Only whole lines were looked at, so the last of them may have been the last of its note.
  if (!signed) return { notes, rest: text.slice(start) }
  return { notes: [...notes, text.slice(start, offset)], rest: text.slice(offset) }
}
