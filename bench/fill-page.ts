const BLOCK = /(<!-- measured: (?<name>[\w-]+) -->\n).*?(<!-- end -->)/gs

/**
 * A page whose measured blocks are made anew; what people wrote around them stays. A block begins
 * with `<!-- measured: NAME -->` and ends with `<!-- end -->`.
 * @throws Error for a block that nobody makes
 */
export function fillPage(page: string, blockOf: (name: string) => string | undefined): string {
  return page.replaceAll(BLOCK, (_all, start: string, name: string, end: string) => {
    const block = blockOf(name)
    if (block === undefined) throw new Error(`Cannot fill the page: nobody measures "${name}"`)
    return `${start}\n${block.trim()}\n\n${end}`
  })
}

/** A table in Markdown: text to the left, figures to the right. */
export function markdownTable(
  head: readonly string[],
  lines: readonly (readonly string[])[],
): string {
  const row = (cells: readonly string[]) =>
    `| ${head.map((_, column) => (cells[column] ?? '').replaceAll('|', '\\|')).join(' | ')} |`
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  // Prettier would align it anew for each figure that changes.
  return ['<!-- prettier-ignore -->', row(head), row(rule), ...lines.map(row)].join('\n')
}
