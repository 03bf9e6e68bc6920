import { buildPage, SITE } from './build-page.ts'

await buildPage(SITE)
