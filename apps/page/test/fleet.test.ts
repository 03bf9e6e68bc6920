import type { Node } from '@ixj/node'
import { expect, test } from 'vitest'
import { robotName } from '../../cli/src/demo/fleet/names.ts'
import { LIE } from '../../cli/src/demo/fleet/thief.ts'
import { openFleetTown } from './fleet-town.ts'
import { joinAsSam } from './opened-page.ts'
import { PAGE_TEST_MS, useScene } from './scene.ts'

const ROBOT = '.robot-list button'

const scene = useScene(openFleetTown)

/** Waits until a node has refused something with this code. */
async function refuses(node: Node, code: string, signal: AbortSignal): Promise<void> {
  for await (const decision of node.decisions({ signal })) {
    if (decision.code === code) return
  }
}

/** Waits until a node has refused a bundle with one of these ids, as revoked. */
async function refusesAny(node: Node, ids: ReadonlySet<string>, signal: AbortSignal) {
  for await (const { id, code } of node.decisions({ signal })) {
    if (code === 'revoked' && id !== null && ids.has(id)) return
  }
}

test(
  'a person in a page sees the fleet, stops a robot, lets the gate open, and revokes a robot',
  async () => {
    const town = scene.place
    await using opened = await scene.openPage(town.places[0]!.url)
    const { page } = opened
    await opened.picture('welcome')
    await joinAsSam(opened, town)
    // N×N: six robots share where they are.
    await opened.show('fleet')
    await page.waitForSelector(`${ROBOT} >> nth=5`)
    // 1×N and N×1: everybody is asked, and answers.
    await page.click('text=Roll-call')
    await page.waitForSelector('text=/[67] of 7 answered|6 of 6 answered/')
    // 1×1: one robot is told to stop, and stands.
    await page.click(`${ROBOT}:has-text("r3")`)
    await page.click('.robot-actions >> text=Stop')
    await page.waitForSelector('text=it stands')
    await page.waitForSelector('.robot-stopped')
    await page.click('.robot-actions >> text=Go on')
    await page.waitForSelector('text=it goes on')
    // An approval: what the dispatcher may do only with sam's word, whatever sam looks at.
    await opened.show('live')
    await page.waitForSelector('.badge:has-text("1 to approve")')
    const asked = await page.textContent('.question')
    expect(asked).toMatch(/dispatch\.acme\.example wants to publish on gate\.acme\.example/)
    expect(asked).toMatch(/Goes toall who receive the topic/)
    expect(asked).toMatch(/event, priority 1/)
    expect(asked).toMatch(/by acme\.example: publish on gate\.acme\.example, until/)
    await opened.picture('approval')
    await page.dblclick('text=Approve once')
    await opened.show('fleet')
    await page.waitForSelector('.gate-open')
    // The second click decided nothing, and nothing failed for it.
    expect(await page.locator('text=approve dispatch.acme.example: told').count()).toBe(1)
    expect(await page.locator('.notice-failed').count()).toBe(0)
    await opened.picture('fleet')
    // Revoked, its word counts nowhere within five seconds.
    await page.click(`${ROBOT}:has-text("r6")`)
    await page.click('text=Revoke…')
    const inTime = AbortSignal.timeout(5_000)
    const refused = town.nodes.map((node) => refuses(node, 'revoked', inTime))
    await page.click('text=Revoke its key for good')
    // The list says so, for as long as the robot's node still speaks for it: then it is gone there too.
    const unrevoked = `${ROBOT}:has-text("r6"):not(:has-text("revoked"))`
    const told = page.waitForSelector(unrevoked, { state: 'detached' })
    await Promise.all([told, ...refused])
    expect(inTime.aborted).toBe(false)
    // Whoever has a copy of its key can go on signing, and nobody believes a word.
    const inTimeToo = AbortSignal.timeout(5_000)
    const powerless = town.nodes.map((node) => refusesAny(node, town.tried, inTimeToo))
    town.thief.speakAs(robotName(6))
    await Promise.all(powerless)
    expect(inTimeToo.aborted).toBe(false)
    await page.waitForSelector('.powerless:has-text("r6"):has-text("dispatch"):has-text("r1")')
    await opened.picture('thief')
    // Relays ignore it as well, so it falls silent here, and is gone from the floor.
    await page.waitForSelector(`${ROBOT} >> nth=5`, { state: 'detached', timeout: 5_000 })
    await opened.show('live')
    await page.waitForSelector('.branch:has-text("r6") >> .role-revoked')
    await opened.picture('live')
    // Nothing of what the thief said was believed here.
    expect(await page.locator(`text=${LIE}`).count()).toBe(0)
    await opened.show('explain')
    await page.click('.flow >> nth=0')
    await page.waitForSelector('.answer-yes >> nth=3')
    await opened.picture('explain')
    expect(opened.problems).toEqual([])
    expect(town.failures).toEqual([])
  },
  PAGE_TEST_MS,
)
