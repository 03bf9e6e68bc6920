import { parseName, type Name } from '@ixj/names'
import { LEAD, type AgentNumber } from '../cast.ts'

/** The organisation of all. */
export const ACME = parseName('acme.example')

/** An agent's name, and its inbox. */
export function agentName(agent: AgentNumber): Name {
  return parseName(agent === LEAD ? 'lead.acme.example' : `a${agent}.acme.example`)
}

/** A node's name: the number-th of a process. */
export function nodeName(process: number, number: number): Name {
  return parseName(`n${process}-${number}.acme.example`)
}

/** The group of the lead and the agents 1 to size. */
export function crewName(size: number): Name {
  return parseName(`of${size}.crews.acme.example`)
}
