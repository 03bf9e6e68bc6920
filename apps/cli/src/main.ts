import { keepCompiledCode } from '@ixj/node/compiled-code'
import { letHeapGrow } from '@ixj/node/heap-growth'

letHeapGrow()
keepCompiledCode()
// Imported behind it, so that it is among what is kept: half of the time of a short command.
const { runProgram } = await import('./program.ts')

// Whoever reads us may have read enough, as `head` does: that is no failure to tell anybody.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause
  process.exit(1)
})
process.exitCode = await runProgram(process.argv.slice(2))
