import { el, fill } from "@peekpack/explorer/ui/dom";
import type { WaitingState } from "../write/job-state.js";

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Says that the upload waits for the network: since when, why, and when it tries again. */
export class WaitingView {
  readonly element: HTMLElement = el("div", "waiting");
  readonly #next: HTMLElement = el("p", "waiting-next");
  readonly #again: HTMLElement;
  #shown: WaitingState | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(tryNow: () => void) {
    this.#again = el("button", {
      class: "button",
      text: "Try now",
      attributes: { type: "button" },
      on: { click: () => tryNow() },
    });
  }

  /** @param waiting undefined: the upload does not wait */
  show(waiting: WaitingState | undefined): void {
    if (waiting === this.#shown) return;
    this.#shown = waiting;
    this.close();
    if (waiting === undefined) {
      fill(this.element);
      return;
    }
    const { since, reason, next } = waiting;
    fill(
      this.element,
      el(
        "div",
        "notice",
        el("h2", { text: `Waiting for the network since ${clock.format(since)}` }),
        reason !== undefined && el("p", { text: reason.message }),
        this.#next,
        el("p", {
          class: "hint",
          text: "The archive is safe in this browser. What the server has is not sent again.",
        }),
        next !== undefined && this.#again,
      ),
    );
    this.#count();
    this.#timer = setInterval(() => this.#count(), 1000);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #count(): void {
    const next = this.#shown?.next;
    const seconds = next === undefined ? undefined : Math.ceil((next - Date.now()) / 1000);
    this.#next.textContent =
      seconds === undefined
        ? "This browser is offline. The upload goes on by itself when it is online again."
        : seconds > 0
          ? `The next try is in ${seconds} s.`
          : "Trying …";
  }
}
