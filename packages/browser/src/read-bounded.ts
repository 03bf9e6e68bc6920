import { concatBytes } from '@ixj/trust'

/** The body of an answer; undefined once it is over that limit: whoever answers may send without end. */
export async function readBounded(
  response: Response,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (;;) {
    const part = await reader?.read()
    if (part?.value === undefined) return concatBytes(...parts)
    parts.push(part.value)
    length += part.value.length
    if (length <= bytesMax) continue
    await reader?.cancel()
    return undefined
  }
}
