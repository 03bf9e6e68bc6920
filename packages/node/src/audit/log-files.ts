import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../home/file.ts'

/** The files of a log: frames of records, and notes of checkpoints. Both only grow. */
export type LogFileName = 'records' | 'checkpoints'

/** One file of a log. All calls of one file follow one another; each rejects with what the system said. */
export interface LogFile {
  /** Bytes of it. */
  size(): Promise<number>
  /** So many bytes from there; fewer at its end. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Writes all of the bytes there, or rejects; then some of them may be there. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Cuts off what stands behind. */
  truncate(size: number): Promise<void>
  /** Resolves when all that was written and cut would survive a power cut. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** The file layer under a log: everything that it reads or writes passes here. */
export interface LogFiles {
  /** Opens a file, and makes it if there is none, so that it would survive a power cut. */
  open(name: LogFileName): Promise<LogFile>
}

/** The files of a log in a folder, mode 0600; the folder is made, mode 0700, if there is none. */
export function diskLogFiles(folder: string): LogFiles {
  return {
    open: async (name) => {
      await makeFolder(folder)
      // Not through a link, which would lead out of the folder.
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
      const handle = await open(join(folder, name), flags, 0o600)
      try {
        await syncFolder(folder)
      } catch (cause) {
        await handle.close()
        throw cause
      }
      return new DiskLogFile(handle)
    },
  }
}

/** A file that is made survives a crash only when its folder has been written, too. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

class DiskLogFile implements LogFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const left = bytes.length - written
      const result = await this.#handle.write(bytes, written, left, offset + written)
      written += result.bytesWritten
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size)
  }

  async sync(): Promise<void> {
    // The size of a file that grew is written with its data; times are not.
    await this.#handle.datasync()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
