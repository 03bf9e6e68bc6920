/** A promise that rejects, for functions that make one promise and no more. */
export async function rejected(cause: unknown): Promise<never> {
  throw cause
}
