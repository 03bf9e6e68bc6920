/** Content type of the answer by which a task is acknowledged; its body is nil. */
export const ACKNOWLEDGEMENT_TYPE = 'ixj/ack'
/** Content type of a request for a name; its body is a signed `offer`. */
export const OFFER_TYPE = 'ixj/offer'
/** Content type of the answer that gives the name; its body is a list of statements. */
export const BOUND_TYPE = 'ixj/bound'
/** Content type of a request for an approval; its body says what is to be sent. */
export const APPROVE_TYPE = 'ixj/approve'
/** Content type of the answer that approves; its body is the approval. */
export const APPROVAL_TYPE = 'ixj/approval'
