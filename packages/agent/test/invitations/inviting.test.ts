import {
  ANSWER_BYTES_MAX,
  CLAIM_BYTES_MAX,
  claimDigestOf,
  formatInvitation,
  INVITATION_MS_MAX,
  invitationIdOf,
  makeInvitation,
  parseInvitation,
  readAnswer,
} from '@ixj/agent/invitations'
import { parseName } from '@ixj/names'
import { decode, encode, fromHex, isMac, macOf, signingInput, toHex } from '@ixj/trust'
import { describe, expect, test } from 'vitest'
import { HASH, inviteScene, MINUTES_15, SAM, START } from './invitation-scene.ts'

describe('a link', () => {
  test('gives the invitation back, whatever stood in the fragment of the page', () => {
    const { invitation } = inviteScene()
    const link = formatInvitation(invitation, 'https://relay1.acme.example/app?a=1#old')
    expect(link).toMatch(/^https:\/\/relay1\.acme\.example\/app\?a=1#ixj-invitation=[\w-]+$/)
    expect(parseInvitation(link)).toEqual(invitation)
    expect(parseInvitation(new URL(link).hash)).toEqual(invitation)
  })

  test('without an invitation has none; one that is cut or changed is refused', () => {
    const { invitation } = inviteScene()
    expect(parseInvitation('https://relay1.acme.example/#top')).toBeUndefined()
    const link = formatInvitation(invitation, 'https://a.example/')
    expect(() => parseInvitation(link.slice(0, -8))).toThrow(/Cannot/)
    expect(() => parseInvitation(`#ixj-invitation=${'A'.repeat(5_000)}`)).toThrow(
      'Cannot read invitation: 5000 characters, limit 2048',
    )
  })

  test('is made for a time to come, a day at most', () => {
    const { invitation, bytes } = inviteScene()
    const make = (notAfter: number) =>
      makeInvitation({ ...invitation, notAfter }, { random: bytes, now: START })
    expect(() => make(START)).toThrow('Cannot invite sam.acme.example for 0 ms')
    expect(() => make(START + INVITATION_MS_MAX + 1)).toThrow('must be 1 to 86400000')
    expect(make(START + INVITATION_MS_MAX).notAfter).toBe(START + INVITATION_MS_MAX)
  })

  test('has an id that shows nothing of its secret, and is another for another secret', () => {
    const { invitation, bytes } = inviteScene()
    const id = invitationIdOf(invitation)
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(toHex(invitation.secret)).not.toContain(id)
    expect(invitationIdOf({ secret: bytes(32) })).not.toBe(id)
  })
})

test('a code counts for its secret, its purpose and its bytes alone', () => {
  const secret = new Uint8Array(32).fill(7)
  const of = { secret, purpose: 'invitation-claim', bytes: Uint8Array.of(1, 2) } as const
  const mac = macOf(secret, 'invitation-claim', of.bytes)
  expect(isMac(mac, of)).toBe(true)
  expect(isMac(mac, { ...of, purpose: 'invitation-answer' })).toBe(false)
  expect(isMac(mac, { ...of, bytes: Uint8Array.of(1, 3) })).toBe(false)
  expect(isMac(mac, { ...of, secret: secret.with(31, 8) })).toBe(false)
  expect(isMac(mac.slice(0, 31), of)).toBe(false)
  for (let index = 0; index < mac.length; index++) {
    expect(isMac(mac.with(index, mac[index]! ^ 1), of)).toBe(false)
  }
})

describe('who is invited', () => {
  test('gets the name bound to its key, and believes it by the root in the link', async () => {
    const { invitation, inviting, claim, newKey, verifier } = inviteScene()
    const signer = newKey()
    const claimed = await claim(invitation, signer)
    const { bytes, code, key } = await inviting.answer(claimed)
    expect([code, key]).toEqual([null, signer.publicKey])
    const asked = { invitation, claim: claimed, key: signer.publicKey }
    const { root, statements } = await readAnswer(bytes, asked, {
      verifier,
      hash: HASH,
      now: START,
    })
    expect(root).toEqual({ key: invitation.root.key, next: null })
    expect(statements[0]?.statement).toMatchObject({ kind: 'binding', name: SAM })
    expect(inviting.isUsed).toBe(true)
  })

  test('gets it by the key of today, where the root was rolled over after the link was made', async () => {
    const { invitation, inviting, claim, newKey, rollOver, verifier } = inviteScene()
    const rolled = rollOver()
    const signer = newKey()
    const claimed = await claim(invitation, signer)
    const { bytes } = await inviting.answer(claimed)
    const asked = { invitation, claim: claimed, key: signer.publicKey }
    const context = { verifier, hash: HASH, now: START }
    const { root, statements } = await readAnswer(bytes, asked, context)
    expect(root).toEqual(rolled)
    expect(statements[0]?.statement).toMatchObject({ name: SAM, issuerKey: rolled.key })
  })

  test('gets the same answer to the same claim, and nothing is issued twice', async () => {
    const { inviting, claim, issued } = inviteScene()
    const claimed = await claim()
    const [first, second] = [await inviting.answer(claimed), await inviting.answer(claimed)]
    expect(second.bytes).toEqual(first.bytes)
    expect(issued.length).toBe(1)
  })
})

test('who is invited and has lost its claim gets the same statements by another, for its key', async () => {
  const { inviting, invitation, claim, newKey, issued, verifier, bytes } = inviteScene()
  const signer = newKey()
  const encryptionKey = bytes(32)
  await inviting.answer(await claim(invitation, signer, encryptionKey))
  const again = await claim(invitation, signer, encryptionKey)
  const answered = await inviting.answer(again)
  const asked = { invitation, claim: again, key: signer.publicKey }
  const context = { verifier, hash: HASH, now: START }
  const { statements } = await readAnswer(answered.bytes, asked, context)
  expect(statements[0]?.statement).toMatchObject({ kind: 'binding', name: SAM })
  expect(issued).toEqual([signer.publicKey])
  expect((await inviting.answer(await claim(invitation, signer))).code).toBe('used')
})

describe('an invitation is not used', () => {
  test('twice: another key finds it used', async () => {
    const { inviting, claim, issued } = inviteScene()
    await inviting.answer(await claim())
    expect((await inviting.answer(await claim())).code).toBe('used')
    expect(issued.length).toBe(1)
  })

  test('by two at the same time: one of them is bound', async () => {
    const { inviting, claim, issued } = inviteScene()
    const claims = await Promise.all([claim(), claim(), claim()])
    const answers = await Promise.all(claims.map((each) => inviting.answer(each)))
    expect(answers.map(({ code }) => code)).toEqual([null, 'used', 'used'])
    expect(issued.length).toBe(1)
  })

  test('for another name', async () => {
    const { inviting, invitation, claim, issued } = inviteScene()
    const claimed = await claim({ ...invitation, name: parseName('root.acme.example') })
    expect((await inviting.answer(claimed)).code).toBe('wrong-name')
    expect(issued).toEqual([])
  })

  test('a millisecond after its end, and to the millisecond before', async () => {
    const { inviting, claim, clock } = inviteScene()
    await clock.advance(MINUTES_15)
    expect(inviting.isVoid).toBe(false)
    const last = await claim()
    await clock.advance(1)
    expect((await inviting.answer(last)).code).toBe('ended')
    expect(inviting.isVoid).toBe(true)
    const other = inviteScene(2)
    await other.clock.advance(MINUTES_15)
    expect((await other.inviting.answer(await other.claim())).code).toBe(null)
  })

  test('by who guesses its secret, however often, nor made void by it', async () => {
    const { inviting, invitation, bytes, claim, issued } = inviteScene()
    for (let tries = 0; tries < 100; tries++) {
      const guessed = await claim({ ...invitation, secret: bytes(32) })
      expect((await inviting.answer(guessed)).code).toBe('wrong-secret')
    }
    expect([inviting.isVoid, issued]).toEqual([false, []])
    expect((await inviting.answer(await claim())).code).toBe(null)
  })

  test('by who has no key: a claim for a key of somebody else is not signed by it', async () => {
    const { inviting, invitation, claim, newKey, issued } = inviteScene()
    const [own, other] = [newKey(), newKey()]
    const parts = decode(await claim(invitation, own)) as readonly Uint8Array[]
    const body = decode(parts[0]!) as readonly unknown[]
    const changed = encode(body.map((field, at) => (at === 3 ? other.publicKey : field)) as never)
    const signature = await own.sign(signingInput('invitation', changed))
    const code = macOf(invitation.secret, 'invitation-claim', changed)
    const answered = await inviting.answer(encode([changed, signature, code]))
    expect([answered.code, issued]).toEqual(['wrong-key', []])
  })
})

describe('a relay that carries a claim', () => {
  test('cannot put its own key in the place of the page’s', async () => {
    const { inviting, invitation, claim, newKey, issued } = inviteScene()
    const own = newKey()
    const parts = decode(await claim()) as readonly Uint8Array[]
    const swapped = decode(await claim({ ...invitation, secret: new Uint8Array(32) }, own))
    const [body, signature] = swapped as readonly Uint8Array[]
    const answered = await inviting.answer(encode([body!, signature!, parts[2]!]))
    expect([answered.code, issued]).toEqual(['wrong-secret', []])
  })

  test('cannot change a byte of it, nor bring it to another invitation', async () => {
    const { invitation, claim } = inviteScene()
    const claimed = await claim()
    for (let at = 0; at < claimed.length; at++) {
      const { inviting, issued } = inviteScene()
      const { code } = await inviting.answer(claimed.with(at, claimed[at]! ^ 1))
      // The signature stands outside of the code; a change to it is found where it is checked.
      expect(['wrong-secret', 'wrong-key']).toContain(code)
      expect(issued).toEqual([])
    }
    const other = inviteScene(2)
    expect(invitationIdOf(other.invitation)).not.toBe(invitationIdOf(invitation))
    expect((await other.inviting.answer(claimed)).code).toBe('wrong-secret')
  })

  test('cannot bring what is no claim, or too large', async () => {
    const { inviting } = inviteScene()
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(0xc0),
      new Uint8Array(CLAIM_BYTES_MAX + 1),
    ]) {
      expect((await inviting.answer(bytes)).code).toBe('wrong-secret')
    }
  })
})

describe('a relay that carries an answer', () => {
  async function answered() {
    const scene = inviteScene()
    const signer = scene.newKey()
    const claim = await scene.claim(scene.invitation, signer)
    const { bytes } = await scene.inviting.answer(claim)
    const asked = { invitation: scene.invitation, claim, key: signer.publicKey }
    const read = (of: Uint8Array, more: Partial<typeof asked> = {}) =>
      readAnswer(of, { ...asked, ...more }, { verifier: scene.verifier, hash: HASH, now: START })
    return { ...scene, signer, bytes, read, asked }
  }

  test('cannot change a byte of it', async () => {
    const { bytes, read } = await answered()
    for (let at = 0; at < bytes.length; at += 7) {
      await expect(read(bytes.with(at, bytes[at]! ^ 1))).rejects.toThrow(/Cannot/)
    }
  })

  test('cannot make one of its own, not even a refusal', async () => {
    const { read } = await answered()
    const body = encode([1, new Uint8Array(32), 'used', [], null, null])
    const forged = encode([body, macOf(new Uint8Array(32), 'invitation-answer', body)])
    await expect(read(forged)).rejects.toMatchObject({ code: 'forged-answer' })
  })

  test('cannot give the answer to another claim', async () => {
    const { bytes, claim, invitation, signer, read } = await answered()
    const again = await claim(invitation, signer)
    await expect(read(bytes, { claim: again })).rejects.toMatchObject({ code: 'other-claim' })
  })

  test('cannot pass a claim’s code off as an answer’s', async () => {
    const { read, asked } = await answered()
    const [body, , code] = decode(asked.claim) as readonly Uint8Array[]
    await expect(read(encode([body!, code!]))).rejects.toMatchObject({ code: 'forged-answer' })
  })
})

describe('an answer of who has the secret', () => {
  const answerOf = (secret: Uint8Array, body: Uint8Array) =>
    encode([body, macOf(secret, 'invitation-answer', body)])

  test('is believed only where it leads from the root that it tells to the key', async () => {
    const scene = inviteScene()
    const mallory = inviteScene(2)
    const signer = scene.newKey()
    const claim = await scene.claim(scene.invitation, signer)
    // Another root binds the same name to the same key.
    const own = await mallory.claim(mallory.invitation, signer)
    const { bytes } = await mallory.inviting.answer(own)
    const [inner] = decode(bytes, { bytesMax: ANSWER_BYTES_MAX }) as readonly Uint8Array[]
    const [, , , envelopes] = decode(inner!) as readonly never[]
    const root = scene.invitation.root.key
    const body = encode([1, claimDigestOf(claim, HASH), null, envelopes!, root, null])
    const asked = { invitation: scene.invitation, claim, key: signer.publicKey }
    const reading = readAnswer(answerOf(scene.invitation.secret, body), asked, {
      verifier: scene.verifier,
      hash: HASH,
      now: START,
    })
    await expect(reading).rejects.toMatchObject({ code: 'unproven' })
  })

  test('tells a refusal by its code', async () => {
    const { inviting, claim, invitation, verifier, newKey } = inviteScene()
    await inviting.answer(await claim())
    const signer = newKey()
    const late = await claim(invitation, signer)
    const { bytes } = await inviting.answer(late)
    const asked = { invitation, claim: late, key: signer.publicKey }
    const reading = readAnswer(bytes, asked, { verifier, hash: HASH, now: START })
    await expect(reading).rejects.toMatchObject({
      code: 'used',
      message: 'Cannot become sam.acme.example: another key has used it',
    })
  })
})

test('an id in hexadecimal is what the claim signs', async () => {
  const { invitation, claim } = inviteScene()
  const [body] = decode(await claim()) as readonly Uint8Array[]
  const fields = decode(body!) as readonly unknown[]
  expect(fields[6]).toEqual(fromHex(invitationIdOf(invitation)))
})
