#!/usr/bin/env node
// Starts the ixj-relay program: from source in a checkout, else what was built.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const fromSource = '--conditions=ixj:src'
const source = new URL('../src/main.ts', import.meta.url)
const built = new URL('../dist/main.js', import.meta.url)

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`ixj-relay needs Node 24 or newer, this is Node ${process.versions.node}`)
  console.error('Node 24 is at https://nodejs.org')
  process.exit(1)
}
if (!existsSync(source)) {
  await import(built.href)
} else if (process.execArgv.includes(fromSource)) {
  await import(source.href)
} else {
  run([...process.execArgv, fromSource, fileURLToPath(source), ...process.argv.slice(2)])
}

/** Runs Node in the place of this process: same streams, signals and exit status. */
function run(words) {
  const program = spawn(process.execPath, words, { stdio: 'inherit' })
  // On a terminal, Ctrl-C reaches both processes; passing it on would make it two.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', () => {
    if (!onTerminal) program.kill('SIGINT')
  })
  process.on('SIGTERM', () => program.kill('SIGTERM'))
  process.on('SIGHUP', () => program.kill('SIGHUP'))
  program.on('exit', (status, signal) => {
    process.exit(status ?? 128 + constants.signals[signal])
  })
}
