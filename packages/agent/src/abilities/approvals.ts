export { readAsked } from '../approvals/asked-approval.ts'
export { gatherApprovals } from '../approvals/gathering.ts'
