import { randomNumbers } from "./rules.js";

/** How slow the way to the server is. */
export interface LinkShape {
  /** Added to every request, in milliseconds. Default 0. */
  readonly latencyMs?: number | undefined;
  /** Up to so much more, at random, in milliseconds. Default 0. */
  readonly jitterMs?: number | undefined;
  /** What all requests together may send, and what they may receive. Default: no bound. */
  readonly bytesPerSecond?: number | undefined;
  /** Of the jitter. Default 1. */
  readonly seed?: number | undefined;
}

/** Waits for so long, or for ever, unless the signal ends it. @returns whether the time passed */
export function wait(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = ms === undefined ? undefined : setTimeout(() => end(true), ms);
    const end = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", gone);
      resolve(passed);
    };
    const gone = (): void => end(false);
    signal.addEventListener("abort", gone);
  });
}

/** The way between the proxy and its clients: one for all of them. */
export class Link {
  #shape: LinkShape;
  #random: () => number;
  readonly #freeAt = { up: 0, down: 0 };

  constructor(shape: LinkShape) {
    this.#shape = shape;
    this.#random = randomNumbers(shape.seed ?? 1);
  }

  set shape(shape: LinkShape) {
    this.#shape = shape;
    this.#random = randomNumbers(shape.seed ?? 1);
  }

  /** Waits as long as a request takes to arrive. */
  async arrival(signal: AbortSignal): Promise<void> {
    const { latencyMs = 0, jitterMs = 0 } = this.#shape;
    const ms = latencyMs + jitterMs * this.#random();
    if (ms > 0) await wait(ms, signal);
  }

  /** Waits until so many bytes have passed, behind those that came before them. */
  async passage(bytes: number, direction: "up" | "down", signal: AbortSignal): Promise<void> {
    const { bytesPerSecond } = this.#shape;
    if (bytesPerSecond === undefined) return;
    const now = performance.now();
    const free = Math.max(now, this.#freeAt[direction]) + (bytes / bytesPerSecond) * 1000;
    this.#freeAt[direction] = free;
    await wait(free - now, signal);
  }
}
