import { keepCompiledCode } from '@ixj/node/compiled-code'

keepCompiledCode()
// Imported behind it, so that it is among what is kept.
const { runProgram } = await import('./program.ts')

process.exitCode = await runProgram(process.argv.slice(2))
