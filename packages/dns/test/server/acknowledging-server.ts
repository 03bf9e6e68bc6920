// A process that a test kills: opens the zone file of its argument and says its port.
import { argv } from 'node:process'
import { openZoneStore } from '@ixj/dns'
import { serveZones } from './made-zone.ts'

const store = await openZoneStore({ file: argv[2]! })
const { port } = await serveZones([store])
console.log(port)
