export { keptMessages } from '../patterns/kept-messages.ts'
