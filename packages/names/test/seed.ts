/** The seed of all property tests: fixed, so that each run is the same; IXJ_SEED tries another. */
export const seed = Number(process.env['IXJ_SEED'] ?? 20_261_016)
