import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gunzip, gzip } from 'node:zlib'
import { lookup } from 'mrmime'
import { COMPRESS_BYTES_MIN, PAGE_BYTES_MAX, PAGE_FILES_MAX } from '../limits.ts'
import { RelayError } from '../relay-error.ts'

/** A file as it is sent. */
interface PageFile {
  readonly type: string
  readonly tag: string
  readonly cache: string
  readonly plain: Buffer
  readonly gzip: Buffer | undefined
  readonly brotli: Buffer | undefined
}

/** What a build has packed better than there is time for when a relay starts: `NAME.gz`. */
const PACKED = '.gz'
/** Files that name their own content: what Vite puts into `assets`, a hash before the ending. */
const HASHED = /\/assets\/[^/]+-[\w-]{8}\.\w+$/
const compressible = /^(text\/|application\/(javascript|json|manifest\+json|wasm)|image\/svg)/

/**
 * The files of a web page, read whole when it opens: what is asked for is looked up among them, so
 * that no request ever names a path of the disk.
 */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files
  }

  /** Reads a folder with an `index.html`; `NAME.gz` is how `NAME` is sent by gzip. @throws RelayError `page` */
  static async open(folder: string): Promise<PageFiles> {
    const paths = await listFiles(folder)
    try {
      return await PageFiles.#read(folder, paths)
    } catch (cause) {
      if (cause instanceof RelayError) throw cause
      // A file that is being replaced may be gone between two looks at it.
      const { code = 'unknown' } = cause as NodeJS.ErrnoException
      throw new RelayError('page', `Cannot read the files of ${folder}: ${code}`, { cause })
    }
  }

  static async #read(folder: string, paths: readonly string[]): Promise<PageFiles> {
    const files = new Map<string, PageFile>()
    const known = new Set(paths)
    let bytes = 0
    for (const path of paths) {
      const size = (await stat(path)).size
      bytes += size
      if (bytes > PAGE_BYTES_MAX || files.size >= PAGE_FILES_MAX) {
        const limits = `limits ${PAGE_FILES_MAX} files and ${PAGE_BYTES_MAX} bytes`
        throw new RelayError('page', `Cannot serve ${folder}: it has more than the ${limits}`)
      }
      const isPacked = path.endsWith(PACKED) && known.has(path.slice(0, -PACKED.length))
      if (isPacked) continue
      const url = `/${relative(folder, path).split(sep).join('/')}`
      const packed = known.has(`${path}${PACKED}`) ? `${path}${PACKED}` : undefined
      files.set(url, await readPageFile(path, { url, packed }))
    }
    const index = files.get('/index.html')
    if (index === undefined) {
      throw new RelayError('page', `Cannot serve ${folder}: it has no index.html`)
    }
    files.set('/', index)
    return new PageFiles(files)
  }

  /** How many there are. */
  get size(): number {
    return this.#files.size - 1
  }

  /** Answers a request for one of them; false if there is no such file. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const file = this.#files.get(path)
    if (file === undefined) return false
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-length': '0' }).end()
      return true
    }
    const [body, encoding] = bodyFor(file, request.headers['accept-encoding'] ?? '')
    const headers = {
      etag: file.tag,
      'cache-control': file.cache,
      vary: 'accept-encoding',
      // A page of any origin may load a file whose hash it names.
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    }
    if (request.headers['if-none-match'] === file.tag) {
      response.writeHead(304, headers).end()
      return true
    }
    response.writeHead(200, {
      ...headers,
      'content-type': file.type,
      'content-length': `${body.length}`,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }
}

function bodyFor(file: PageFile, accepted: string): readonly [Buffer, string | undefined] {
  const takes = (encoding: string) =>
    accepted.split(',').some((each) => each.trim().split(';')[0] === encoding)
  if (file.brotli !== undefined && takes('br')) return [file.brotli, 'br']
  if (file.gzip !== undefined && takes('gzip')) return [file.gzip, 'gzip']
  return [file.plain, undefined]
}

async function listFiles(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    // Links are left out: they may lead out of the folder. So are hidden files.
    const files = entries.filter((entry) => entry.isFile())
    const paths = files.map((entry) => join(entry.parentPath, entry.name))
    return paths.filter((path) => !relative(folder, path).split(sep).some(isHidden)).toSorted()
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new RelayError('page', `Cannot read the folder ${folder}: ${code}`, { cause })
  }
}

function isHidden(part: string): boolean {
  return part.startsWith('.')
}

async function readPageFile(
  path: string,
  { url, packed }: { readonly url: string; readonly packed: string | undefined },
): Promise<PageFile> {
  const plain = await readFile(path)
  const mime = lookup(path) ?? 'application/octet-stream'
  const type = mime.startsWith('text/') ? `${mime};charset=utf-8` : mime
  const isSmaller = (sent: Buffer) => (sent.length < plain.length ? sent : undefined)
  const packs = compressible.test(mime) && plain.length >= COMPRESS_BYTES_MIN
  const isFixed = HASHED.test(url)
  return {
    type,
    tag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    cache: isFixed ? 'public, max-age=31536000, immutable' : 'no-cache',
    plain,
    gzip: packs ? isSmaller(await gzipOf(plain, packed)) : undefined,
    brotli: packs ? isSmaller(await promisify(brotliCompress)(plain)) : undefined,
  }
}

/** What the build has packed, else made here. @throws RelayError `page` where it is another file */
async function gzipOf(plain: Buffer, packed: string | undefined): Promise<Buffer> {
  if (packed === undefined) return await promisify(gzip)(plain)
  const bytes = await readFile(packed)
  if (await unpacksTo(bytes, plain)) return bytes
  const message = `Cannot serve ${packed}: it is not what lies beside it, so build the page again`
  throw new RelayError('page', message)
}

async function unpacksTo(packed: Buffer, plain: Buffer): Promise<boolean> {
  try {
    // One byte more than there should be is enough to see that it is another file.
    const unpacked = await promisify(gunzip)(packed, { maxOutputLength: plain.length + 1 })
    return unpacked.equals(plain)
  } catch (cause) {
    // Longer, cut off, or no gzip at all: another file in each case.
    if (cause instanceof Error && 'code' in cause) return false
    throw cause
  }
}
