/** Everything that an audit log, its records, checkpoints and proofs can fail with. */
export type AuditCode =
  /** It is no note, checkpoint, key or proof: a line, a length or a character is wrong. */
  | 'form'
  /** It passes a limit. */
  | 'too-large'
  /** A trusted key is named and its signature does not hold. */
  | 'bad-signature'
  /** No trusted key has signed it: unverifiable, which is not forged. */
  | 'unknown-key'
  /** It is of another log. */
  | 'wrong-origin'
  /** The bytes of a record are not those that its hash was made of, or its length is wrong. */
  | 'flipped'
  /** Records, or the end of one, are missing that a checkpoint covers. */
  | 'cut'
  /** The records are not those that were signed: one was changed, put in, taken out or moved. */
  | 'altered'
  /** The log's key has signed two histories. */
  | 'fork'
  /** The log ends before a checkpoint that was seen of it. */
  | 'rollback'
  /** The hashes do not lead from what is to be proven to the root. */
  | 'not-proven'
  /** No checkpoint covers the record yet. */
  | 'not-covered'
  /** There is no such log, record or checkpoint. */
  | 'absent'
  /** The log cannot be written now; it is tried again. */
  | 'unwritable'
  /** The log is closed. */
  | 'closed'

/** A log, a record, a checkpoint or a proof was refused; `code` says what for. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: AuditCode

  constructor(code: AuditCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
