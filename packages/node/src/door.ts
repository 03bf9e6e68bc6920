export { DOOR_LIMITS, DOOR_SERVER_OPTIONS, type DoorLimits } from './door/limits.ts'
export type { DoorCounts, DoorCut, DoorLoad, RefusalReason } from './door/counts.ts'
export { Door, type DoorOptions, type DoorSettings, openDoor } from './door/door.ts'
export { JoinedTransport, type PassedCounts } from './door/joined-transport.ts'
