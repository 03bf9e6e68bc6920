import { watch } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Waits for the end. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function addressFile(mesh: string, role: string): string {
  return join(mesh, 'addresses', role)
}

/** Tells the other processes where this one is. */
export async function writeAddress(mesh: string, role: string, address: string): Promise<void> {
  const file = addressFile(mesh, role)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, address)
  await rename(`${file}.new`, file)
}

/** Another process's address, as soon as it has told it. */
export async function readAddress(
  mesh: string,
  role: string,
  signal: AbortSignal,
): Promise<string> {
  const file = addressFile(mesh, role)
  await mkdir(dirname(file), { recursive: true })
  signal.throwIfAborted()
  return await new Promise<string>((resolve, reject) => {
    const end = (settle: () => void) => {
      watcher.close()
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = () =>
      end(() => reject(new Error('The wait for an address was ended', { cause: signal.reason })))
    const look = async () => {
      try {
        const address = await readFile(file, 'utf8')
        end(() => resolve(address))
      } catch (cause) {
        const failure = cause as NodeJS.ErrnoException
        if (failure.code !== 'ENOENT') end(() => reject(failure))
      }
    }
    // The watch begins before the first look, so that no file slips through between them.
    const watcher = watch(dirname(file), () => void look())
    signal.addEventListener('abort', abort, { once: true })
    void look()
  })
}
