/** What a contestant does over and over. */
export interface Job {
  /** What is timed. */
  run(argument: unknown): unknown;
  /** Readies a lap, before the clock starts. */
  before?(argument: unknown): void | Promise<void>;
  /** Looks at what the last run gave, after the clock has stopped. What it gives goes into the lap's facts. */
  after?(result: unknown): Facts | Promise<Facts>;
  /** Known as soon as the job is ready: sizes of what it works on. */
  readonly facts?: Facts;
}

/** Figures beside the times, by name: bytes, requests. */
export type Facts = Readonly<Record<string, number>>;

/** Makes a job ready from what the benchmark gives it. */
export type JobMaker = (parameters: never) => Job | Promise<Job>;

/** The jobs of one file. */
export type Jobs = Readonly<Record<string, JobMaker>>;

/** What a contestant is asked, one JSON text a line. */
export type Request =
  | { readonly job: string; readonly parameters: unknown }
  | { readonly repeat: number; readonly argument?: unknown };

/** How one lap went. Times are of one run, in milliseconds. */
export interface Lap {
  readonly wallMs: number;
  /** User and system time of the whole process, its garbage collector's threads included. */
  readonly cpuMs: number;
  /** The process's largest resident size so far, in bytes. */
  readonly peakRssBytes: number;
  readonly facts: Facts;
}
