// Apart, so that a page downloads it when somebody asks for the first time.
export { formatCheckpointList, verifyLog } from '@ixj/audit'
