import type { Name } from '@ixj/names'
import type { MessagePart } from '../bundles/message.ts'

/** The content type of the message by which members are given a secret. */
export const SECRET_TYPE = 'ixj/group-secret'

/** Whether a message gives a secret: it is for nodes, and no application sees it. */
export function isGivenSecret(part: MessagePart): boolean {
  return part.contentType === SECRET_TYPE
}

/** Where a node keeps the secrets of a group. */
export function storedSecretsKey(topic: Name): string {
  return `group-secrets/${topic}`
}
