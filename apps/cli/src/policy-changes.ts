import type { PolicyChange } from '@ixj/node/policy'
import { type Output, printable, type Record } from './output.ts'

/** Tells what becomes of a policy file until the queue ends. */
export async function tellPolicyChanges(
  changes: AsyncIterable<PolicyChange>,
  output: Pick<Output, 'paint'> & { readonly tell: (record: Record, text: string) => void },
): Promise<void> {
  for await (const change of changes) tellPolicyChange(change, output)
}

function tellPolicyChange(
  change: PolicyChange,
  { paint, tell }: Parameters<typeof tellPolicyChanges>[1],
): void {
  switch (change.kind) {
    case 'loaded': {
      const { rules, digest, warnings } = change
      const doubts = warnings.map(({ line, message }) => `; line ${line}: ${message}`).join('')
      const text = printable(`${rules} rules decide from now on${doubts}`)
      tell({ event: 'policy', kind: 'loaded', rules, digest }, `policy     ${text}`)
      return
    }
    case 'kept': {
      const { code, message } = change.cause
      const text = printable(`${code}: ${message}; what was loaded before goes on deciding`)
      tell({ event: 'policy', kind: 'kept', code, message }, `${paint.red('policy')}     ${text}`)
      return
    }
    case 'unwatched': {
      const { message } = change.cause
      const text = printable(`its file is not watched: ${message}; it is looked at twice a second`)
      tell({ event: 'policy', kind: 'unwatched', message }, `${paint.red('policy')}     ${text}`)
    }
  }
}
