/** Explanations that a home keeps, over all its nodes: the last of them, some 20 MiB. */
export const EXPLANATIONS_MAX = 10_000

/** How often a node writes what it decided: together they cost little, and a person waits so long. */
export const EXPLANATIONS_WRITE_MS = 250

/** How often what is not worth writing is let go: thousands of bundles are not to be held for long. */
export const EXPLANATIONS_SORT_MS = 50

/** Decisions that wait to be written, the newest: of a flood of refusals no more is told. */
export const EXPLANATIONS_WAITING_MAX = 1_024

/**
 * Explanations of what was accepted that are written each time: a busy node accepts thousands of
 * bundles in a second, and to tell why costs a tenth of what it takes to accept them. Every refusal
 * that still waits is written.
 */
export const EXPLANATIONS_ACCEPTED_MAX = 64

/** Bundles of class state in these: each is superseded by its sender's next, 50 times a second. */
export const EXPLANATIONS_STATES_MAX = 8

/** Messages in these: a bundle of 256 costs as much as some ten lone ones. */
export const EXPLAINED_MESSAGES_MAX = 1_024

/** Explanations that one question is answered with. */
export const EXPLANATION_MATCHES_MAX = 16

/** Characters of an id that are enough to ask for it: few others begin so. */
export const ID_PREFIX_MIN = 8
