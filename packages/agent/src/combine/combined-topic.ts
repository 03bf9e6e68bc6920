import { childName, type Name } from '@ixj/names'

/**
 * The inbox to which combiners of a topic pass up. Whoever may publish there, and nobody else, says
 * what others sent.
 */
export function combinedTopic(topic: Name): Name {
  return childName(topic, 'combined')
}
