import { background, type Background } from './background.ts'
import { churn, type Churn, type ChurnPlan } from './churn.ts'
import { survey, type Survey, type SurveyPlan } from './survey.ts'

/** What is measured in a process of its own, so that nothing of another is on its heap. */
export type Task =
  | ({ readonly kind: 'survey' } & SurveyPlan)
  | { readonly kind: 'background'; readonly nodes: number; readonly seed: number }
  | ({ readonly kind: 'churn' } & ChurnPlan)

/** Measures it. */
export function perform(
  task: Task,
  progress: (line: string) => void,
): Promise<Survey | Background | Churn> {
  switch (task.kind) {
    case 'survey':
      return survey(task, progress)
    case 'background':
      return background(task, progress)
    case 'churn':
      return churn(task, progress)
  }
}

if (process.argv[1] === import.meta.filename) {
  const task = JSON.parse(process.argv[2] ?? '') as Task
  const found = await perform(task, (line) => void process.stderr.write(`${line}\n`))
  process.stdout.write(JSON.stringify(found))
  process.exit(0)
}
