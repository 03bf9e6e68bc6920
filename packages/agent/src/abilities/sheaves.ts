export { SheafIntake } from '../host/sheaf-intake.ts'
