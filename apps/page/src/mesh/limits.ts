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
