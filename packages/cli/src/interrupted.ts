/** Exit statuses of a process that a signal has ended: 128 and the number of the signal. */
export const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The reason of an abort by a signal of the operating system. */
export class Interrupted extends Error {
  readonly status: number;

  constructor(signal: keyof typeof SIGNAL_STATUS) {
    super(`ended by ${signal}`);
    this.name = "Interrupted";
    this.status = SIGNAL_STATUS[signal];
  }
}
