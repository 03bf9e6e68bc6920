import { emitWarning } from 'node:process'
import type { Name } from '@ixj/names'
import { utf8Bytes } from '@ixj/trust'
import { LEARNED_MAX, type LearnedPeer, type LearnedStore } from '../mesh.ts'
import type { Home } from './home.ts'
import { HomeError } from './home-error.ts'
import {
  formatFile,
  type Json,
  malformed,
  parseFile,
  readItems,
  readObject,
  readString,
} from './json-text.ts'

const VERSION = 1

/**
 * What a home remembers of the neighbours that a node has found. One that cannot be read is told of
 * as a warning and taken for empty: it saves time, and a node must start without it.
 */
export function learnedStore(home: Home, node: Name): LearnedStore {
  const key = `learned/${node}`
  return {
    load: async () => {
      try {
        const bytes = await home.store().get(key)
        return bytes === undefined ? [] : parseLearned(bytes, key)
      } catch (cause) {
        if (!(cause instanceof HomeError)) throw cause
        emitWarning(`${cause.message}; ${node} begins without it`, 'LearnedPeersWarning')
        return []
      }
    },
    save: async (peers) => {
      const file = { version: VERSION, peers: peers.map((peer) => ({ ...peer })) }
      await home.store().set(key, utf8Bytes(formatFile(file)))
    },
  }
}

/** @throws HomeError `malformed`, `unsupported`, `too-large` */
function parseLearned(bytes: Uint8Array, what: string): readonly LearnedPeer[] {
  const file = parseFile(bytes, what, { version: VERSION, members: ['peers'] })
  return readItems(file['peers'], `peers in ${what}`, LEARNED_MAX).map((item) =>
    readPeer(item, what),
  )
}

function readPeer(item: Json, what: string): LearnedPeer {
  const { peer, address, at } = readObject(item, `a peer in ${what}`, ['peer', 'address', 'at'])
  if (typeof at !== 'number') throw malformed(what, 'at must be a number')
  return {
    peer: readString(peer, `peer in ${what}`),
    address: readString(address, `address in ${what}`),
    at,
  }
}
