import type { Clock, Host } from '@ixj/agent'
import { TrustError } from '@ixj/trust'
import { HomeError } from './home/home-error.ts'
import type { Home } from './home/home.ts'
import { noticeFiles, readNoticeFile } from './home/notice-folder.ts'

/** How often a home is looked at: what a person revokes is told to all within a second. */
const WATCH_MS = 500

/**
 * Takes what is revoked in a home into its running node: at once what is there, then what comes, until
 * disposed of. A notice that is refused is passed over, and told; the others go on. What could not be
 * read is told once, and tried again: when it is cured, it counts.
 */
export async function watchNotices(
  home: Home,
  host: Pick<Host, 'takeNotice'>,
  options: { readonly clock: Clock; readonly refused: (file: string, cause: Error) => void },
): Promise<Disposable> {
  const { clock, refused } = options
  const seen = new Set<string>()
  const told = new Map<string, string>()
  const tell = (file: string, cause: Error): void => {
    if (told.get(file) === cause.message) return
    told.set(file, cause.message)
    refused(file, cause)
  }
  let cancel: () => void = () => {}
  let isClosed = false
  const look = async () => {
    for (const file of await noticeFiles(home)) {
      if (seen.has(file)) continue
      try {
        const bytes = await readNoticeFile(home, file)
        if (bytes === undefined || isClosed) continue
        await host.takeNotice(bytes)
        seen.add(file)
      } catch (cause) {
        if (!(cause instanceof TrustError || cause instanceof HomeError)) throw cause
        if (cause instanceof TrustError) seen.add(file)
        tell(file, cause)
      }
    }
  }
  const again = async () => {
    try {
      await look()
    } catch (cause) {
      if (!(cause instanceof HomeError)) throw cause
      tell('revoked', cause)
    }
    if (!isClosed) cancel = clock.at(clock.now() + WATCH_MS, () => void again())
  }
  await again()
  return {
    [Symbol.dispose]: () => {
      isClosed = true
      cancel()
    },
  }
}
