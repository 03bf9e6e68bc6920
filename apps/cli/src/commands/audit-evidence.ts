import type { EvidenceRow } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { readEvidence } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { onlyNode } from '../audit/log-source.ts'
import { SHORT_ID } from '../audit/record-text.ts'
import { invocationOf } from '../invocation.ts'
import { columns, printable, type Record } from '../output.ts'

const HELP = `
A key that signs two bundles for one place tells different things to different readers. The node
refuses it from then on, and keeps both bundles as they were signed: --json has them in base64url, and
ixj explain FILE checks each. One that was not kept any more is null.

Examples:
  $ ixj audit evidence node1.acme.example
  $ ixj audit evidence --json | jq -r '.bundles[1]' > second && ixj explain ./second`

/** Registers `audit evidence`. */
export function addAuditEvidence(audit: Command): void {
  audit
    .command('evidence')
    .description('show which keys signed two bundles for one place, with both')
    .argument('[node]', 'whose evidence (default: of the only node of this home)', nameArgument)
    .addHelpText('after', HELP)
    .action(async (given: Name | undefined, _flags: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const node = given ?? (await onlyNode(home))
      const found = readEvidence(home, node)
      if (output.json) for (const row of found) output.print(evidenceRecord(node, row), '')
      else if (found.length === 0) output.note({}, `${node} has caught no key signing twice`)
      else output.print({}, evidenceTable(found))
    })
}

function evidenceTable(found: readonly EvidenceRow[]): string {
  const rows = found.map((row) => {
    const { sender, topic, class: messageClass } = streamOf(row)
    const ids = row.ids.map((id) => id.slice(0, SHORT_ID)).join(' ')
    return [sender, row.key.slice(0, SHORT_ID), topic, messageClass, ids].map(printable)
  })
  return columns([['SENDER', 'KEY', 'TOPIC', 'CLASS', 'BUNDLES'], ...rows])
}

function evidenceRecord(node: Name, row: EvidenceRow): Record {
  const bundles = row.bundles.map((bytes) => (bytes === null ? null : toBase64url(bytes)))
  return { node, key: row.key, ...streamOf(row), ids: [...row.ids], bundles }
}

/** A stream is named by topic, sender, key, class and epoch. */
function streamOf({ stream }: EvidenceRow) {
  const [topic = '', sender = '', , messageClass = '', epoch = ''] = stream.split('|')
  return { topic, sender, class: messageClass, epoch: Number(epoch) }
}
