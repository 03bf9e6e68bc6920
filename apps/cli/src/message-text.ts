import { explanationOf } from '@ixj/agent'
import type { Message } from '@ixj/agent'
import { type Explanation, formatExplanation, toHex } from '@ixj/trust'
import { bodyRecord, bodyText, type Output, type Record } from './output.ts'

/** What a message is for programs, with its explanation if `explain`. */
export function messageRecord(message: Message, explain: boolean): Record {
  const {
    id,
    topic,
    sender,
    onBehalfOf,
    body,
    contentType,
    class: kind,
    sealed,
    sentAt,
    gap,
  } = message
  return {
    id: toHex(id),
    topic,
    sender,
    onBehalfOf,
    text: typeof body === 'string' ? body : null,
    body: bodyRecord(body),
    contentType,
    class: kind,
    sealed,
    sentAt,
    gap,
    ...(explain ? { explanation: explanationRecord(explanationOf(message)) } : {}),
  }
}

function explanationRecord(explanation: Explanation): Record {
  return JSON.parse(JSON.stringify(explanation)) as Record
}

/** Prints a message, with its explanation if `explain`. */
export function tellMessage(message: Message, output: Output, explain: boolean): void {
  const { sender, onBehalfOf, body, sentAt, gap } = message
  const { dim, bold } = output.paint
  const time = new Date(sentAt).toISOString().slice(11, 19)
  const behalf = onBehalfOf === sender ? '' : dim(` for ${onBehalfOf}`)
  const missed = gap === 0 ? '' : dim(` (${gap} missed)`)
  const line = `${dim(time)}  ${bold(sender)}${behalf}${missed}  ${bodyText(body)}`
  const tree = explain ? `\n${formatExplanation(explanationOf(message))}` : ''
  output.print(messageRecord(message, explain), `${line}${tree}`)
}
