import { DOOR_LIMITS, type DoorLimits } from '@ixj/node/door'
import { described, group } from './described.ts'
import { wholeNumber } from './fields.ts'

function limit(key: keyof DoorLimits, description: string) {
  const field = wholeNumber({ min: 1, max: 2 ** 31 - 1 }).default(DOOR_LIMITS[key])
  return described(field, { value: key.endsWith('Ms') ? 'MS' : 'COUNT', description })
}

/** The limits of the door, each with the default of `@ixj/node/door`. */
export const door = group({
  loginMs: limit('loginMs', 'from the upgrade to the end of hello'),
  socketsMax: limit('socketsMax', 'sockets over all'),
  enteringMax: limit('enteringMax', 'sockets that have not logged in yet, over all'),
  socketsPerAddressMax: limit('socketsPerAddressMax', 'sockets of one address'),
  upgradesPerSecond: limit('upgradesPerSecond', 'new sockets of one address in a second'),
  carriedGroupsMax: limit('carriedGroupsMax', 'groups carried for all pages together'),
  framesPerSecond: limit('framesPerSecond', 'frames of one socket in a second'),
  bytesPerSecond: limit('bytesPerSecond', 'bytes of one socket in a second'),
  waitingBytesMax: limit('waitingBytesMax', 'bytes that may wait for one socket'),
  waitingBytesAllMax: limit('waitingBytesAllMax', 'bytes that may wait for all sockets'),
  progressMs: limit('progressMs', 'how long one frame may take'),
  idleMs: limit('idleMs', 'silence after which a socket is asked whether it is there'),
  closeMs: limit('closeMs', 'how long a closing handshake may take'),
})
