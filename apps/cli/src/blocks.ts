import { printable } from './output.ts'

/** What a line of a block may be wide: narrower than any terminal. */
const COLUMNS = 80

/** One thing of a list, and what there is to know of it: lines of a label and a text. */
export interface Block {
  readonly title: string
  readonly facts: readonly (readonly [label: string, text: string])[]
}

/**
 * Things for people, one block each, as branches of a tree: narrow where a table would be as wide as
 * all its longest cells together. Texts are made safe to print; a word stays whole.
 */
export function blocks(list: readonly Block[]): readonly string[] {
  const labels = list.flatMap(({ facts }) => facts.map(([label]) => label.length))
  const width = Math.max(0, ...labels)
  return list.flatMap(({ title, facts }, index) => {
    const last = index === list.length - 1
    const stem = last ? '   ' : '│  '
    const further = `${stem}${' '.repeat(width + 2)}`
    return [
      ...wrapped(title, { first: last ? '└─ ' : '├─ ', further: `${stem}  ` }),
      ...facts.flatMap(([label, text]) =>
        wrapped(text, { first: `${stem}${label.padEnd(width)}  `, further }),
      ),
    ]
  })
}

/** A text in lines of at most {@link COLUMNS}, parted before arrows if there are any, else at spaces. */
export function wrapped(
  text: string,
  indents: { readonly first: string; readonly further: string },
): readonly string[] {
  const lines: string[] = []
  let indent = indents.first
  let rest = printable(text)
  for (;;) {
    const room = COLUMNS - indent.length
    const end = rest.length <= room ? -1 : breakOf(rest, room)
    lines.push(`${indent}${end === -1 ? rest : rest.slice(0, end)}`.trimEnd())
    if (end === -1) return lines
    rest = rest.slice(end).trimStart()
    indent = indents.further
  }
}

function breakOf(text: string, room: number): number {
  const arrow = text.lastIndexOf(' → ', room)
  if (arrow > 0) return arrow
  const space = text.lastIndexOf(' ', room)
  return space > 0 ? space : text.indexOf(' ', room)
}
