/** The code of what a call throws; 'nothing' if it does not. */
export function codeOf(run: () => unknown): string {
  try {
    run()
    return 'nothing'
  } catch (cause) {
    return (cause as { readonly code?: string }).code ?? String(cause)
  }
}

/** The code of what a promise is rejected with; 'nothing' if it is not. */
export async function rejectionOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing',
    (cause: unknown) => (cause as { readonly code?: string }).code ?? String(cause),
  )
}
