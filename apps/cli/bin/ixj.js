#!/usr/bin/env node
// Starts the ixj program under Node 24 or newer. This file itself runs on Node 18 and newer, so
// that an older Node gets help or a clear answer, not a syntax error.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const fromSource = '--conditions=ixj:src'
const source = new URL('../src/main.ts', import.meta.url)
const built = new URL('../dist/main.js', import.meta.url)
const withNode = new URL('../../../.ci/with-node', import.meta.url)

const isNew = Number(process.versions.node.split('.')[0]) >= 24
const isCheckout = existsSync(source)

if (isCheckout && isNew && process.execArgv.includes(fromSource)) {
  await import(source.href)
} else if (isCheckout && isNew) {
  run(process.execPath, [...process.execArgv, fromSource, fileURLToPath(source)])
} else if (isCheckout && existsSync(withNode)) {
  run(fileURLToPath(withNode), ['node', fromSource, fileURLToPath(source)])
} else if (isNew) {
  await import(built.href)
} else {
  fail(`ixj needs Node 24 or newer, this is Node ${process.versions.node}`)
}

/** Runs a program in the place of this one: same arguments, streams, signals and exit status. */
function run(command, options) {
  const program = spawn(command, [...options, ...process.argv.slice(2)], { stdio: 'inherit' })
  // On a terminal, Ctrl-C reaches both processes; passing it on would make it two.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', () => {
    if (!onTerminal) program.kill('SIGINT')
  })
  process.on('SIGTERM', () => program.kill('SIGTERM'))
  process.on('SIGHUP', () => program.kill('SIGHUP'))
  program.on('error', (error) => fail(`ixj cannot start ${command}: ${error.message}`))
  program.on('exit', (status, signal) => {
    process.exit(status ?? 128 + constants.signals[signal])
  })
}

function fail(message) {
  console.error(message)
  console.error('Node 24 is at https://nodejs.org')
  process.exit(1)
}
