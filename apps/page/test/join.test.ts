import { expect, test } from 'vitest'
import { SAM } from '../../cli/src/demo/fleet/names.ts'
import { openFleetTown } from './fleet-town.ts'
import { joinAsSam } from './opened-page.ts'
import { PAGE_TEST_MS, useScene } from './scene.ts'

const scene = useScene(openFleetTown)

test(
  'a page makes its key, is admitted by two relays, and is the same when it is loaded again',
  async () => {
    await using opened = await scene.openPage(scene.place.places[0]!.url)
    const { page, context } = opened
    await opened.picture('welcome')
    await joinAsSam(opened, scene.place)
    expect(scene.place.relays.map(({ neighbours }) => neighbours.includes(SAM))).toEqual([
      true,
      true,
    ])
    // A second tab with one key would sign two bundles for one place: it is refused.
    const second = await context.newPage()
    await second.goto(scene.place.places[0]!.url)
    await second.waitForSelector('text=another tab or worker of this site has it open')
    await second.close()
    await page.reload()
    await page.waitForSelector('.relay-admitted >> nth=1')
    await opened.show('live')
    await page.waitForSelector('.branch-self')
    expect(opened.problems).toEqual([])
  },
  PAGE_TEST_MS,
)

test(
  'a page verifies its own log, and sees one flipped bit in a copy of it',
  async () => {
    await using opened = await scene.openPage(scene.place.places[1]!.url)
    const { page } = opened
    await joinAsSam(opened, scene.place)
    await opened.show('audit')
    await page.click('text=Verify all of it here')
    await page.waitForSelector('text=The log holds.')
    await page.click('text=Flip one bit of a copy')
    await page.waitForSelector('text=The changed copy does not hold.')
    await opened.picture('audit')
    expect(opened.problems).toEqual([])
  },
  PAGE_TEST_MS,
)
