export { GroupState } from '../state/group-state.ts'
export { openShared } from '../state/open-shared.ts'
