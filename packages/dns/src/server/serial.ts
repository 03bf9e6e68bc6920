const HALF = 0x8000_0000

/** Whether one serial comes after another, on their circle (RFC 1982 section 3.2). */
export function isLaterSerial(serial: number, other: number): boolean {
  const ahead = (serial - other) >>> 0
  return ahead > 0 && ahead < HALF
}

/** The next serial; 0 is passed over, since some software takes it for none. */
export function nextSerial(serial: number): number {
  return (serial + 1) >>> 0 || 1
}
