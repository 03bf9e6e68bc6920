export * from './clock.ts'
export * from './transport.ts'
