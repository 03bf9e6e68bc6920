import type { Measured } from './measure.ts'
import type { ContenderName } from './process.ts'

/** How many times as fast as these ixj has to be. */
export type Goals = Readonly<Partial<Record<ContenderName, number>>>

/** The head of {@link measuredLines}. */
export const MEASURED_HEAD = [
  '',
  'deliveries/s',
  'CPU s per million',
  'bytes sent per delivery',
  'ixj is',
  'goal',
  '',
]

/** Contenders, as people read them. */
export const TITLES: Readonly<Record<ContenderName, string>> = {
  ixj: 'ixj: signed, verified, authorised, audited',
  nats: 'NATS, plain',
  'nats-signed': 'NATS, one Ed25519 signature a message',
  'https-1': 'HTTPS/1.1, kept alive, TLS 1.3',
  'https-2': 'HTTP/2, TLS 1.3',
}

/** A pattern for people: its name, and a line for each contender, with what ixj is beside it. */
export function measuredLines(
  id: string,
  measured: readonly Measured[],
  goals: Goals,
): readonly (readonly string[])[] {
  const [first] = measured
  if (first === undefined) return []
  const ixj = measured.find(({ contender }) => contender === 'ixj')
  const title = `${id} ${first.pattern.replaceAll('N', String(first.agents))}, 200 B`
  return [[title], ...measured.map((each) => line(each, ixj, goals[each.contender]))]
}

/** What the publisher sends for each delivery, beside HTTP; `most` is the goal. */
export function bytesLines(
  measured: readonly Measured[],
  most: number,
): readonly (readonly string[])[] {
  const ixj = measured.find(({ contender }) => contender === 'ixj')?.leadBytesPerDelivery
  return measured
    .filter(({ contender }) => contender.startsWith('https'))
    .map(({ contender, leadBytesPerDelivery: bytes }) => {
      const times = ixj === undefined || bytes === undefined ? undefined : ixj / bytes
      return [
        `  bytes sent, beside ${TITLES[contender]}`,
        '',
        '',
        bytes?.toFixed(0) ?? '?',
        times === undefined ? '?' : `${times.toFixed(3)} ×`,
        `≤ ${most} ×`,
        times === undefined ? 'not measured' : times <= most ? 'met' : 'MISSED',
      ]
    })
}

function line(each: Measured, ixj: Measured | undefined, goal: number | undefined) {
  const ratio = ixj === undefined || each === ixj ? undefined : ixj.perSecond / each.perSecond
  return [
    `  ${TITLES[each.contender]}`,
    each.perSecond.toFixed(0),
    each.cpuSecondsPerMillion.toFixed(1),
    each.leadBytesPerDelivery?.toFixed(0) ?? '?',
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
    goal === undefined ? '' : `≥ ${goal} ×`,
    [goalText(ratio, goal), lossText(each)].filter((text) => text !== '').join(', '),
  ]
}

function goalText(ratio: number | undefined, goal: number | undefined): string {
  if (ratio === undefined || goal === undefined) return ''
  return ratio >= goal ? 'met' : 'MISSED'
}

/** Nothing to say is the rule: each message came once. */
function lossText({ lost, duplicated, stray }: Measured): string {
  return Object.entries({ lost, duplicated, stray })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}
