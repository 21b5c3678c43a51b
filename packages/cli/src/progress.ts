import type { Writable } from "node:stream";
import { formatSize } from "@peekpack/core/inspect";

/** Nothing is shown before, in milliseconds: most commands are done by then. */
const DELAY_MS = 1000;
const INTERVAL_MS = 200;
/** Long enough that the rate does not jump with every response. */
const RATE_WINDOW_MS = 5000;

/** Shows bytes, rate and remaining time in the last line of a terminal, once a command has taken longer than a second. */
export class Progress {
  readonly #stream: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly #startedAt = performance.now();
  #enabled: boolean;
  #isShown = false;
  #drawnAt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #action = "";
  #bytes = 0;
  #total: number | undefined;
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(stream: Writable, env: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.#enabled = this.#stream.isTTY === true && env.TERM !== "dumb";
  }

  /** Shows nothing from now on. */
  disable(): void {
    this.hide();
    this.#enabled = false;
  }

  /**
   * Says how far the command is.
   * @param action what it does, as in 'reading'. Another action begins a new measurement
   * @param bytes processed since the action began
   * @param total bytes of the whole action, if they are known
   */
  report(action: string, bytes: number, total?: number): void {
    if (!this.#enabled) return;
    if (action !== this.#action) {
      this.#action = action;
      this.#samples = [{ at: performance.now(), bytes: 0 }];
    }
    this.#bytes = bytes;
    this.#total = total;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
      this.#timer.unref();
    } else if (performance.now() - this.#drawnAt >= INTERVAL_MS) {
      // A command that computes for long does not let the timer fire.
      this.#draw();
    }
  }

  /** Removes the line, so that other text can be written to the terminal. */
  hide(): void {
    if (this.#isShown) this.#stream.write("\r\u001b[K");
    this.#isShown = false;
  }

  /** Removes the line for good. */
  stop(): void {
    this.hide();
    clearInterval(this.#timer);
    this.#enabled = false;
  }

  #draw(): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#startedAt < DELAY_MS) return;
    this.#drawnAt = now;
    this.#samples.push({ at: now, bytes: this.#bytes });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const rate = ((this.#bytes - first.bytes) * 1000) / Math.max(1, now - first.at);
    const text = progressText(this.#action, this.#bytes, this.#total, rate);
    this.#stream.write(`\r${text.slice(0, (this.#stream.columns ?? 80) - 1)}\u001b[K`);
    this.#isShown = true;
  }
}

/**
 * `uploading 412 MB of 1.2 GB, 34 %, 88 MB/s, 9 s left`
 * @param rate in bytes per second
 */
export function progressText(action: string, bytes: number, total: number | undefined, rate: number): string {
  const parts = [`${action} ${formatSize(bytes)}`];
  if (total !== undefined && total >= bytes && total > 0) {
    parts[0] += ` of ${formatSize(total)}`;
    parts.push(`${Math.floor((bytes / total) * 100)} %`);
  }
  parts.push(`${formatSize(Math.round(rate))}/s`);
  if (total !== undefined && total > bytes && rate > 0)
    parts.push(`${timeText((total - bytes) / rate)} left`);
  return parts.join(", ");
}

/** `9 s`, `3 min 20 s`, `2 h 5 min` */
function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
