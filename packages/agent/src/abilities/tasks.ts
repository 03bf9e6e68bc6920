export { ReceivedTasks } from '../tasks/received-tasks.ts'
export { SentTasks } from '../tasks/sent-tasks.ts'
export { openStoredRecords } from '../tasks/stored-records.ts'
