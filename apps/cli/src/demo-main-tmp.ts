import { Command } from 'commander'
import { addDemo } from './commands/demo.ts'
const program = new Command('ixj')
addDemo(program)
await program.parseAsync()
