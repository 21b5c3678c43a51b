import type { Failure } from "../archive/failure.js";
import { el } from "./dom.js";

/** Shows an error with its code. */
export function failureNotice(failure: Failure, again?: () => void): HTMLElement {
  return el(
    "div",
    { class: "notice failure", attributes: { role: "alert" } },
    el("h2", {}, failure.title, " ", el("code", { class: "code", text: failure.code })),
    el("p", { class: "message", text: failure.message }),
    failure.advice !== undefined && el("p", { class: "advice", text: failure.advice }),
    again !== undefined &&
      el("button", {
        class: "button",
        text: "Try again",
        attributes: { type: "button" },
        on: { click: again },
      }),
  );
}

/** Shows that something is being read, with a button to stop. */
export function busyNotice(text: string, stop?: () => void): HTMLElement {
  return el(
    "div",
    { class: "notice busy", attributes: { role: "status" } },
    el("span", "spinner"),
    el("p", { text }),
    stop !== undefined &&
      el("button", {
        class: "button quiet",
        text: "Stop",
        attributes: { type: "button" },
        on: { click: stop },
      }),
  );
}

/** Asks before a costly action. */
export function askNotice(title: string, text: string, action: string, go: () => void): HTMLElement {
  return el(
    "div",
    "notice ask",
    el("h2", { text: title }),
    el("p", { text }),
    el("button", {
      class: "button primary",
      text: action,
      attributes: { type: "button" },
      on: { click: go },
    }),
  );
}

/** A short message that disappears. Screen readers announce it. */
export class Toast {
  readonly element: HTMLElement = el("div", {
    class: "toast",
    attributes: { role: "status", "aria-live": "polite" },
  });
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    clearTimeout(this.#timer);
    this.element.textContent = text;
    this.element.classList.add("shown");
    this.#timer = setTimeout(() => this.element.classList.remove("shown"), 2600);
  }
}
