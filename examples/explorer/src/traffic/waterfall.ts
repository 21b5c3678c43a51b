import type { RequestEvent } from "@peekpack/core";
import type { Traffic } from "../archive/traffic.js";
import { el, fill } from "../ui/dom.js";
import { count, duration, size } from "../ui/format.js";
import { beforeNextFrame } from "../ui/signal.js";
import { timeline } from "./timeline.js";

/** So many requests are drawn, the latest. */
const SHOWN = 120;

const REASONS: Readonly<Record<string, string>> = {
  open: "first contact",
  toc: "table of contents",
  data: "data",
  "read-ahead": "read ahead",
  retry: "again",
};

/** Requests as they end, one line each, with when they left, waited and received. */
export class Waterfall {
  readonly element: HTMLElement;
  readonly #traffic: Traffic;
  readonly #lines: HTMLElement = el("div", { class: "waterfall-lines", attributes: { role: "rowgroup" } });
  readonly #unlisten: () => void;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    const heading = (text: string, name: string): HTMLElement =>
      el("span", { class: name, text, attributes: { role: "columnheader" } });
    this.element = el(
      "div",
      { class: "waterfall", attributes: { role: "table", "aria-label": "Requests", tabindex: 0 } },
      el(
        "div",
        { class: "waterfall-head", attributes: { role: "row" } },
        heading("For", "why"),
        heading("Bytes from", "from"),
        heading("Size", "size"),
        heading("Time", "time"),
        heading("Idle time is left out", "bar"),
      ),
      this.#lines,
    );
    this.#unlisten = traffic.changed.listen(beforeNextFrame(() => this.#draw()));
    this.#draw();
  }

  close(): void {
    this.#unlisten();
  }

  #draw(): void {
    const { element } = this;
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 24;
    const events = this.#traffic.events.filter(({ from, ms }) => from === "network" || ms > 0).slice(-SHOWN);
    const waiting = [...this.#traffic.pending.values()].map((pending) => ({
      ...pending,
      ms: performance.now() - pending.startedAt,
    }));
    const axis = timeline([...events, ...waiting]);
    fill(
      this.#lines,
      ...events.map((event) => line(event, axis)),
      ...waiting.map(({ span, suffix, startedAt }) => {
        const bar = el("i", "waits");
        place(bar, axis.place(startedAt), 1);
        return row(
          "pending",
          "on its way",
          span === undefined ? `last ${size(suffix ?? 0)}` : count(span.start),
          span === undefined ? "" : size(span.end - span.start),
          "",
          bar,
        );
      }),
    );
    if (events.length + waiting.length === 0)
      fill(this.#lines, el("p", { class: "hint", text: "No request yet." }));
    if (atEnd) element.scrollTop = element.scrollHeight;
  }
}

function line(event: RequestEvent, axis: ReturnType<typeof timeline>): HTMLElement {
  const { startedAt, ms, range, suffix, reason, bytes, error, from, attempt } = event;
  // What is kept in the browser comes in one piece; of others the wait for the first byte is told apart.
  const { firstByteMs = from === "cache" ? 0 : ms } = event;
  const waits = el("i", "waits");
  const receives = el("i", "receives");
  place(waits, axis.place(startedAt), axis.place(startedAt + firstByteMs));
  place(receives, axis.place(startedAt + firstByteMs), axis.place(startedAt + ms));
  const why = from === "cache" ? "kept here" : (REASONS[reason] ?? reason);
  return row(
    error !== undefined ? "failed" : from === "cache" ? "kept" : reason,
    error !== undefined ? `${why}: ${error}` : attempt > 1 ? `${why}, try ${attempt}` : why,
    range === undefined ? (suffix === undefined ? "" : `last ${size(suffix)}`) : count(range.start),
    size(bytes),
    duration(ms),
    waits,
    receives,
  );
}

function row(
  kind: string,
  why: string,
  from: string,
  bytes: string,
  time: string,
  ...bars: HTMLElement[]
): HTMLElement {
  const cell = (name: string, text: string): HTMLElement =>
    el("span", { class: name, text, attributes: { role: "cell" } });
  return el(
    "div",
    { class: `request ${kind}`, attributes: { role: "row" } },
    cell("why", why),
    cell("from", from),
    cell("size", bytes),
    cell("time", time),
    el("span", { class: "bar", attributes: { role: "cell" } }, ...bars),
  );
}

function place(bar: HTMLElement, from: number, to: number): void {
  bar.style.left = `${from * 100}%`;
  bar.style.width = `max(${(to - from) * 100}%, 1px)`;
}
