/** What a contender needs beside its processes; gone when it is disposed of. */
export interface Ground extends AsyncDisposable {
  /** What every process is told. */
  readonly settings: Readonly<Record<string, string>>
  /** Variables that its processes start with. */
  readonly environment?: Readonly<Record<string, string>>
  /** Servers of it, whose CPU and memory count too. */
  readonly pids: readonly number[]
}
