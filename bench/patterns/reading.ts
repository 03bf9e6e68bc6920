import { titleOf } from './cast.ts'
import { figure } from './goals.ts'
import type { ContenderName } from './process.ts'
import { CONTENDERS, TITLES, type PatternRow } from './rows.ts'

/** How ixj stands to one peer in the scenes that both ran. */
interface Standing {
  readonly contender: ContenderName
  readonly ratios: readonly { readonly scene: string; readonly ratio: number }[]
}

/** Where ixj is faster, and where it is slower, in sentences: the figures alone decide. */
export function readingOf(rows: readonly PatternRow[]): string {
  const standings = CONTENDERS.filter((contender) => contender !== 'ixj').map((contender) =>
    standingTo(rows, contender),
  )
  const measured = standings.filter(({ ratios }) => ratios.length > 0)
  if (measured.length === 0) return 'Not measured in this run.'
  return measured.map(sentenceOf).join('\n')
}

function standingTo(rows: readonly PatternRow[], contender: ContenderName): Standing {
  const throughput = rows.filter((row) => row.kind === 'throughput')
  const ratios = throughput
    .filter((row) => row.contender === contender)
    .flatMap((peer) => {
      const scene = titleOf(peer)
      const ixj = throughput.find((row) => row.contender === 'ixj' && titleOf(row) === scene)
      return ixj === undefined ? [] : [{ scene, ratio: ixj.perSecond / peer.perSecond }]
    })
  return { contender, ratios: ratios.toSorted((left, right) => right.ratio - left.ratio) }
}

function sentenceOf({ contender, ratios }: Standing): string {
  const wins = ratios.filter(({ ratio }) => ratio >= 1)
  const losses = ratios.filter(({ ratio }) => ratio < 1).toReversed()
  const parts = [
    `delivers more in ${wins.length} of ${ratios.length} scenes`,
    ...range('at best', wins),
    ...range('at worst', losses),
  ]
  return `- Beside **${TITLES[contender]}** ixj ${parts.join('; ')}.`
}

function range(word: string, of: Standing['ratios']): readonly string[] {
  const [first] = of
  if (first === undefined) return []
  return [`${word} ${figure(first.ratio)} times as much (${first.scene})`]
}
