/** Whether a message on a group's topic holds several bundles: an array of one; a bundle is one of four. */
export function isSheaf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x91
}
