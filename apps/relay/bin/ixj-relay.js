#!/usr/bin/env node
// Starts the ixj-relay program: from source in a checkout, else what was built.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const fromSource = '--conditions=ixj:src'
// What thousands of pages leave behind at login would else stay as room that nobody uses: at 1,200
// pages a relay took 308 MiB, and takes 194.
const little = '--max-semi-space-size=2'
const source = new URL('../src/main.ts', import.meta.url)
const built = new URL('../dist/main.js', import.meta.url)

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`ixj-relay needs Node 24 or newer, this is Node ${process.versions.node}`)
  console.error('Node 24 is at https://nodejs.org')
  process.exit(1)
}
const main = existsSync(source) ? source : built
const flags = existsSync(source) ? [fromSource, little] : [little]
const missing = flags.filter((flag) => !process.execArgv.includes(flag))
if (missing.length === 0) await import(main.href)
else run([...process.execArgv, ...missing, fileURLToPath(main), ...process.argv.slice(2)])

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
