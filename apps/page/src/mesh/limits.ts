/** Decisions that can be looked at, each with its explanation; the oldest go. */
export const FLOWS_KEPT_MAX = 600
/** Records of the log that are shown; all of them are verified. */
export const RECORDS_SHOWN_MAX = 400
/** Seconds of rates that are shown. */
export const RATE_SECONDS = 60
/** The page is drawn anew this often at most: faster than eyes follow a figure. */
export const REDRAW_MS = 120
/** How old a robot's place may be before it is shown as stale: two of its updates at most were missed. */
export const POSE_AGE_MS_MAX = 1_000
/** Approvals that wait for a person; more are refused for want of room. */
export const APPROVALS_MAX = 32
/** Of them, those that one name asks for: nobody has to know of a fifth before the first is decided. */
export const APPROVALS_NAME_MAX = 4
/** Of them, those that names below one other name ask for: who can bind names is as one of them. */
export const APPROVALS_BRANCH_MAX = 16
/**
 * How long a question must have stood where it stands before it can be answered: nobody approves with
 * a click that was meant for what stood there before.
 */
export const APPROVAL_SETTLE_MS = 700
/** Senders whose missing messages are counted, so that it can be told when they have come. */
export const MISSED_SENDERS_MAX = 256
