import { buildLibrary } from './build-library.ts'
import { buildPage, SITE } from './build-page.ts'
import { packFiles } from './pack-files.ts'

await buildPage(SITE)
const { file, integrity } = await buildLibrary(SITE)
await packFiles(SITE)
// For whoever embeds it: docs/embed.html has a place for it.
process.stdout.write(`${file}  ${integrity}\n`)
