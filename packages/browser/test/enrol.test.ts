import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { ANSWER_BYTES_MAX } from '@ixj/agent/invitations'
import { afterEach, expect, test } from 'vitest'
import { HASH, inviteScene, SAM } from '../../agent/test/invitations/invitation-scene.ts'
import { ENROL_TRIES_MAX, enrol, ENROL_WAIT_MS } from '../src/enrolment.ts'

let closing: (() => Promise<void>) | undefined
afterEach(async () => {
  await closing?.()
  closing = undefined
})

/** A relay that does as the test says, on loopback. */
async function relayThat(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Uint8Array.from(Buffer.concat(parts))
}

/** A page of a scene; its clock moves whenever the page waits. */
function pageOf(scene: ReturnType<typeof inviteScene>, relay: string) {
  const waits: number[] = []
  const { clock } = scene
  const moving = {
    now: () => clock.now(),
    at: (time: number, run: () => void) => {
      waits.push(time - clock.now())
      const timer = setImmediate(run)
      return () => clearImmediate(timer)
    },
  }
  const signer = scene.newKey()
  const options = {
    invitation: scene.invitation,
    relay,
    signer,
    encryptionKey: null,
    clock: moving,
    random: scene.bytes,
    verifier: scene.verifier,
    hash: HASH,
    fetch,
  }
  return { signer, waits, options }
}

/** Gives a claim to the scene's inviter, as an honest relay does. */
async function passOn(
  scene: ReturnType<typeof inviteScene>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { bytes } = await scene.inviting.answer(await bodyOf(request))
  response.end(bytes)
}

test('enrol() gives what the inviter states of the page’s key', async () => {
  const scene = inviteScene()
  const relay = await relayThat((request, response) => void passOn(scene, request, response))
  const { options, signer } = pageOf(scene, relay)
  const {
    statements: [binding],
  } = await enrol(options)
  expect(binding?.statement).toMatchObject({ kind: 'binding', name: SAM, key: signer.publicKey })
})

test('enrol() sends the same claim again where an answer was lost, and is bound once', async () => {
  const scene = inviteScene()
  const claims: string[] = []
  const relay = await relayThat((request, response) => {
    void (async () => {
      const claim = await bodyOf(request)
      claims.push(Buffer.from(claim).toString('hex'))
      const { bytes } = await scene.inviting.answer(claim)
      if (claims.length === 1) response.destroy()
      else if (claims.length === 2) response.writeHead(504).end()
      else response.end(bytes)
    })()
  })
  const { options, waits } = pageOf(scene, relay)
  await enrol(options)
  expect([claims.length, new Set(claims).size, scene.issued.length]).toEqual([3, 1, 1])
  expect(waits).toEqual([ENROL_WAIT_MS, 2 * ENROL_WAIT_MS])
})

test('enrol() gives up after some tries, and at once where there is no such invitation', async () => {
  const scene = inviteScene()
  let asked = 0
  const relay = await relayThat((_request, response) => {
    asked++
    response.writeHead(asked <= ENROL_TRIES_MAX ? 504 : 404).end()
  })
  const { options } = pageOf(scene, relay)
  await expect(enrol(options)).rejects.toMatchObject({ code: 'unanswered' })
  expect(asked).toBe(ENROL_TRIES_MAX)
  await expect(enrol(options)).rejects.toMatchObject({ code: 'ended' })
  expect(asked).toBe(ENROL_TRIES_MAX + 1)
})

test.each<readonly [string, RequestListener, string]>([
  [
    'an answer of its own',
    (_request, response) => response.end(Uint8Array.of(0x92, 0xc4, 1, 0, 0xc4, 1, 0)),
    'not made with its secret',
  ],
  [
    'an answer without end',
    (_request, response) => {
      const chunk = new Uint8Array(64 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      response.on('error', () => undefined)
      more()
    },
    `over ${ANSWER_BYTES_MAX} bytes`,
  ],
  [
    'another address',
    (_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
    'the relay gave no answer in 4 tries',
  ],
])('enrol() takes from a relay no %s', async (_, listener, message) => {
  const scene = inviteScene()
  const { options } = pageOf(scene, await relayThat(listener))
  await expect(enrol(options)).rejects.toThrow(message)
})

test('enrol() ends when it is told to', async () => {
  const scene = inviteScene()
  const stop = new AbortController()
  const relay = await relayThat(() => stop.abort(new Error('the page was left')))
  const { options } = pageOf(scene, relay)
  await expect(enrol({ ...options, signal: stop.signal })).rejects.toThrow('the page was left')
})
