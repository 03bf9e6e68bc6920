import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { checkAuthority } from '../src/authority.ts'
import { toBase64url } from '../src/bytes.ts'
import { describeAuthority, describeKey, describeNameChain } from '../src/description.ts'
import { formatDate, formatTimeLeft, formatTime } from '../src/time-text.ts'
import {
  escapeText,
  type Explanation,
  formatExplanation,
  NOT_REACHED,
  NOTE_STATUS,
} from '../src/explanation.ts'
import { checkName } from '../src/name-chain.ts'
import {
  acme,
  anchorOf,
  bind,
  crew,
  grant,
  HOUR,
  keyOf,
  MINUTE,
  NOW,
  planner,
  SECOND,
  w1,
} from './world.ts'

const anchor = anchorOf({ addedAt: Date.UTC(2026, 10, 1, 23, 59), addedBy: 'you' })
const anchors = new AnchorSet([anchor])
const bindings = [
  await bind({ name: crew }),
  await bind({ name: planner }),
  await bind({ issuer: planner, name: w1 }),
]
const root = await grant({
  onBehalfOf: crew,
  actions: ['publish', 'request'],
  mayDelegate: [parsePattern(`*.${planner}`)],
})
const leaf = await grant({
  issuer: planner,
  onBehalfOf: crew,
  subject: parsePattern(w1),
  notAfter: NOW + 60 * SECOND,
  parent: root.id,
})
const chain = checkName(
  { name: w1, key: keyOf(w1), use: 'sign', purpose: 'send' },
  { bindings, anchors, now: NOW },
)
const authority = checkAuthority(
  { leaf: leaf.id, subject: w1, subjectKey: keyOf(w1), action: 'publish', topic: crew },
  { grants: [root, leaf], bindings, anchors, now: NOW },
)

const accepted: Explanation = {
  outcome: 'accepted',
  code: null,
  message: null,
  remedy: null,
  action: 'publish',
  topic: crew,
  sender: w1,
  onBehalfOf: acme,
  name: { state: 'yes', lines: describeNameChain(chain, NOW) },
  key: { state: 'yes', lines: describeKey(chain) },
  authority: { state: 'yes', lines: describeAuthority(authority, NOW) },
  policy: { state: 'yes', lines: ['permit "crew may publish" (policy.cedar:4)'] },
  notes: [NOTE_STATUS],
}

describe('formatExplanation()', () => {
  it('prints the tree of what was accepted', () => {
    expect(formatExplanation(accepted)).toBe(
      [
        'ACCEPTED  publish on crew.acme.example  by w1.planner.acme.example',
        '          (on behalf of acme.example)',
        '├─ name      w1.planner.acme.example ← planner.acme.example ← acme.example',
        '│            anchor: acme.example, from your trust store (2026-11-01, you)',
        '│            bindings: 60 min left',
        `├─ key       ed25519 ${toBase64url(keyOf(w1))},`,
        '│            bound by planner.acme.example',
        '├─ authority crew.acme.example',
        '│            → planner (publish, request; may delegate to *.planner…)',
        '│            → w1 (publish; 60 s left)',
        '└─ policy    permit "crew may publish" (policy.cedar:4)',
        'note: only revocations in this home are checked: a running node hears of others',
      ].join('\n'),
    )
  })

  it('prints the code of a refusal, its message, what would change it, and how far it came', () => {
    const refused: Explanation = {
      ...accepted,
      outcome: 'ignored',
      code: 'not-granted',
      message: 'Cannot let "w1" publish',
      remedy: 'a grant for this action on this topic',
      onBehalfOf: null,
      authority: { state: 'no', lines: ['the grant allows answer', 'and no more'] },
      key: { state: 'yes', lines: [] },
      policy: NOT_REACHED,
    }
    expect(formatExplanation(refused)).toBe(
      [
        'IGNORED   publish on crew.acme.example  by w1.planner.acme.example',
        '          not-granted: Cannot let "w1" publish',
        '          to change it: a grant for this action on this topic',
        '├─ name      w1.planner.acme.example ← planner.acme.example ← acme.example',
        '│            anchor: acme.example, from your trust store (2026-11-01, you)',
        '│            bindings: 60 min left',
        '├─ key       yes',
        '├─ authority no: the grant allows answer',
        '│            and no more',
        '└─ policy    not reached',
        'note: only revocations in this home are checked: a running node hears of others',
      ].join('\n'),
    )
  })

  it('says no more of a refusal than is known', () => {
    const refused = { ...accepted, outcome: 'rejected', code: 'form', message: null } as const
    const [head, , reason, next] = formatExplanation(refused).split('\n')
    expect(head).toMatch(/^REJECTED {2}publish/)
    expect(reason).toBe('          form: no reason was given')
    expect(next).toMatch(/^├─ name/)
    expect(formatExplanation(refused)).not.toContain('to change it')
  })

  it('keeps to 80 columns wherever a text has spaces, and drops no word', () => {
    const long = 'a word and another '.repeat(20).trim()
    const text = formatExplanation({
      ...accepted,
      code: 'policy',
      message: long,
      policy: { state: 'no', lines: [long, long.replaceAll(' and ', ' → ')] },
    })
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text.match(/another/g)).toHaveLength(60)
    const name = `${'x'.repeat(60)}.${'y'.repeat(60)}.example`
    expect(formatExplanation({ ...accepted, sender: name })).toContain(name)
  })

  it('lets nothing from outside steer the terminal or add a line', () => {
    const evil = '\u001b[2J\r\n└─ policy permit\u202e\u2028\u0085'
    const text = formatExplanation({
      ...accepted,
      outcome: 'ignored',
      code: `x${evil}`,
      message: evil,
      action: evil,
      sender: evil,
      name: { state: 'no', lines: [evil] },
      notes: [evil],
    })
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u)
    expect(text.split('\n').filter((line) => line.startsWith('└─'))).toHaveLength(1)
    expect(text).toContain('\\u{1b}[2J\\u{d}\\u{a}')
  })
})

describe('escapeText()', () => {
  it('leaves what people can see, and writes out what they cannot', () => {
    expect(escapeText('acme → w1 … é 日本')).toBe('acme → w1 … é 日本')
    expect(escapeText('a\u200bb\u2066c\ufefft\t\u00ad\u{e0041}')).toBe(
      'a\\u{200b}b\\u{2066}c\\u{feff}t\\u{9}\\u{ad}\\u{e0041}',
    )
    expect(escapeText('\ud800')).toBe('\\u{d800}')
  })

  it('cuts what is too long, also between two halves of a character', () => {
    expect(escapeText('x'.repeat(1_024))).toHaveLength(1_024)
    expect(escapeText('x'.repeat(1_025))).toBe(`${'x'.repeat(1_024)}…`)
    expect(escapeText(`${'x'.repeat(1_023)}😀`)).toBe(`${'x'.repeat(1_023)}\\u{d83d}…`)
  })
})

describe('describeNameChain() and describeKey()', () => {
  it('say so where the name is the anchor itself, and where nobody noted who added it', () => {
    const own = checkName(
      { name: acme, key: keyOf(acme), use: 'bind', purpose: 'grant' },
      { bindings: [], anchors: new AnchorSet([anchorOf()]), now: NOW },
    )
    expect(describeNameChain(own, NOW)).toEqual([
      'acme.example',
      'anchor: acme.example, from your trust store',
    ])
    expect(describeKey(own)).toEqual([
      `ed25519 ${toBase64url(keyOf(acme))}, a key of the anchor itself`,
    ])
  })
})

describe('describeAuthority()', () => {
  it('tells conditions, and shows patterns of subjects with their open end', async () => {
    const open = await grant({
      subject: parsePattern(`**.${planner}`),
      conditions: [
        ['bytesPerMessage', 100],
        ['hours', [480, 1_080]],
        ['maxPriority', 2],
        ['messagesPerSecond', 5],
      ],
      notAfter: NOW + 5 * HOUR,
    })
    const wide = { ...authority, leaf: open, chain: [open], notAfter: NOW + 5 * HOUR }
    expect(describeAuthority(wide, NOW)).toEqual([
      'crew.acme.example → **.planner… (publish; 08:00 to 18:00 UTC; 5 messages/s; ' +
        '100 bytes a message; priority up to 2; 5 h left)',
    ])
  })

  it('shows a subject of another organisation in full', async () => {
    const abroad = await grant({ subject: parsePattern('scout.globex.example') })
    const [line] = describeAuthority({ ...authority, leaf: abroad, chain: [abroad] }, NOW)
    expect(line).toContain('→ scout.globex.example (publish;')
  })
})

describe('formatTimeLeft()', () => {
  it('counts in seconds, minutes and hours, rounded down', () => {
    const left = (ms: number) => formatTimeLeft(NOW + ms, NOW)
    expect(left(0)).toBe('0 s left')
    expect(left(119_999)).toBe('119 s left')
    expect(left(2 * MINUTE)).toBe('2 min left')
    expect(left(2 * HOUR - 1)).toBe('119 min left')
    expect(left(2 * HOUR)).toBe('2 h left')
    expect(left(-1)).toBe('ended 0 s ago')
    expect(left(-3 * HOUR)).toBe('ended 3 h ago')
    expect(formatTimeLeft(Infinity, NOW)).toBe('no end')
  })
})

describe('formatDate()', () => {
  it('agrees with the runtime’s calendar on every day of 450 years, at both its ends', () => {
    const day = 86_400_000
    const start = Date.UTC(1960, 0, 1)
    const wrong: number[] = []
    for (let time = start; time < start + 450 * 366 * day; time += day) {
      const expected = new Date(time).toISOString().slice(0, 10)
      if (formatDate(time) !== expected || formatDate(time + day - 1) !== expected) wrong.push(time)
    }
    expect(wrong).toEqual([])
    expect(formatDate(0)).toBe('1970-01-01')
  })
})

describe('formatTime()', () => {
  it('writes what Date writes, and a number where there is no time', () => {
    for (const time of [0, 951_782_399_999, 1_795_429_503_308, 253_402_300_799_999]) {
      expect(formatTime(time)).toBe(new Date(time).toISOString())
    }
    expect([formatTime(NaN), formatTime(-1), formatTime(0.5)]).toEqual(['NaN', '-1', '0.5'])
  })
})
