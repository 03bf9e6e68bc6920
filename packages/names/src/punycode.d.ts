// npm's punycode 2.3.1 ships no types. The subpath keeps Node from answering with its deprecated
// built-in module.
declare module 'punycode/punycode.es6.js' {
  export function decode(text: string): string
  export function encode(text: string): string
}
