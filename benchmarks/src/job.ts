/** A repeatable piece of work. */
export interface Job {
  /** The timed work. */
  run(argument: unknown): unknown;
  /** Prepares a lap, untimed. */
  before?(argument: unknown): void | Promise<void>;
  /** Inspects the result of the last run, untimed. @returns facts of the lap */
  after?(result: unknown): Facts | Promise<Facts>;
  /** Facts of the job itself, such as input sizes. */
  readonly facts?: Facts;
}

/** Figures other than times, by name: bytes, requests. */
export type Facts = Readonly<Record<string, number>>;

/** Prepares a job from its parameters. */
export type JobMaker = (parameters: never) => Job | Promise<Job>;

/** The jobs of one file. */
export type Jobs = Readonly<Record<string, JobMaker>>;

/** A message to a contestant, one JSON text per line. */
export type Request =
  | { readonly job: string; readonly parameters: unknown }
  | { readonly repeat: number; readonly argument?: unknown };

/** Result of a lap. Times are milliseconds per run. */
export interface Lap {
  readonly wallMs: number;
  /** User and system time of the process, including garbage collection threads. */
  readonly cpuMs: number;
  /** Peak resident size of the process so far, in bytes. */
  readonly peakRssBytes: number;
  readonly facts: Facts;
}
