import { isPeekpackError } from "@peekpack/core";

const FIRST_MS = 1000;
const MAX_MS = 60_000;

/** Whether an error says that the server, the signing service or the network does not respond, so that waiting may help. */
export function isOutage(error: unknown): boolean {
  return isPeekpackError(error) && error.code === "network";
}

/** An outage: how long it has lasted, and when the next try begins. */
export interface Waiting {
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
  /** When the next try begins, in milliseconds since 1970. Undefined: when the browser is online. */
  readonly next: number | undefined;
}

/** Waits between the tries of an upload, for as long as it takes: a second at first, at last a minute. */
export class Outage {
  readonly since: number = Date.now();
  #tries = 0;
  #end: () => void = () => {};

  /**
   * Resolves when the next try should begin: after a delay, as soon as the browser is online again, or when `tryNow` is called.
   * Rejects with the signal's reason.
   */
  wait(signal: AbortSignal, begun: (waiting: Waiting) => void): Promise<void> {
    const { since } = this;
    const delay = Math.min(FIRST_MS * 2 ** this.#tries++, MAX_MS);
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        removeEventListener("online", this.#end);
        removeEventListener("offline", schedule);
        signal.removeEventListener("abort", abort);
        outcome();
      };
      const abort = (): void => settle(() => reject(signal.reason));
      const schedule = (): void => {
        clearTimeout(timer);
        if (navigator.onLine) timer = setTimeout(this.#end, delay);
        begun({ since, next: navigator.onLine ? Date.now() + delay : undefined });
      };
      this.#end = () => settle(resolve);
      addEventListener("online", this.#end);
      addEventListener("offline", schedule);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      else schedule();
    });
  }

  /** Ends the current wait. */
  tryNow(): void {
    this.#end();
  }
}
