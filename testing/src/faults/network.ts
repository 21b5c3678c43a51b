import { randomNumbers } from "./rules.js";

/** Latency and bandwidth between the proxy and its clients. */
export interface NetworkShape {
  /** Added to every request, in milliseconds. Default 0. */
  readonly latencyMs?: number | undefined;
  /** Maximum random addition to the latency, in milliseconds. Default 0. */
  readonly jitterMs?: number | undefined;
  /** Bandwidth that all requests share, in each direction. Default: no limit. */
  readonly bytesPerSecond?: number | undefined;
  /** Seed of the jitter. Default 1. */
  readonly seed?: number | undefined;
}

/** Waits for `ms` (undefined: for ever) or until the signal aborts. @returns whether the time passed */
export function wait(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = ms === undefined ? undefined : setTimeout(() => end(true), ms);
    const end = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve(passed);
    };
    const onAbort = (): void => end(false);
    signal.addEventListener("abort", onAbort);
  });
}

/** A simulated network that all clients of a proxy share. */
export class Network {
  #shape: NetworkShape;
  #random: () => number;
  readonly #freeAt = { up: 0, down: 0 };

  constructor(shape: NetworkShape) {
    this.#shape = shape;
    this.#random = randomNumbers(shape.seed ?? 1);
  }

  set shape(shape: NetworkShape) {
    this.#shape = shape;
    this.#random = randomNumbers(shape.seed ?? 1);
  }

  /** Waits for the latency of one request. */
  async delayRequest(signal: AbortSignal): Promise<void> {
    const { latencyMs = 0, jitterMs = 0 } = this.#shape;
    const ms = latencyMs + jitterMs * this.#random();
    if (ms > 0) await wait(ms, signal);
  }

  /** Waits until `bytes` were transferred, after all bytes queued before them. */
  async transfer(bytes: number, direction: "up" | "down", signal: AbortSignal): Promise<void> {
    const { bytesPerSecond } = this.#shape;
    if (bytesPerSecond === undefined) return;
    const now = performance.now();
    const free = Math.max(now, this.#freeAt[direction]) + (bytes / bytesPerSecond) * 1000;
    this.#freeAt[direction] = free;
    await wait(free - now, signal);
  }
}
