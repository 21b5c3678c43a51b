import type { RequestEvent } from "@peekpack/core";
import type { Traffic } from "../archive/traffic.js";
import { el, fill } from "../ui/dom.js";
import { count, duration, size } from "../ui/format.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { timeline } from "./timeline.js";

/** Requests that are drawn: the latest. */
const MAX_SHOWN = 120;
/** Between two drawings. Each lays out all rows, which takes longer than a frame while much is read. */
const REST_MS = 200;

const REASONS: Readonly<Record<string, string>> = {
  open: "open",
  toc: "table of contents",
  data: "data",
  "read-ahead": "read-ahead",
  retry: "retry",
};

/** The requests, one a line: when each was sent, waited and received. */
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
    this.#unlisten = traffic.changed.listen(beforeNextFrame(() => this.#draw(), REST_MS));
    this.#draw();
  }

  close(): void {
    this.#unlisten();
  }

  #draw(): void {
    const { element } = this;
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 24;
    const events = this.#traffic.events
      .filter(({ from, ms }) => from === "network" || ms > 0)
      .slice(-MAX_SHOWN);
    const waiting = [...this.#traffic.pending.values()].map((pending) => ({
      ...pending,
      ms: performance.now() - pending.startedAt,
    }));
    const axis = timeline([...events, ...waiting]);
    fill(
      this.#lines,
      ...events.map((event) => line(event, axis)),
      ...waiting.map(({ range, suffix, startedAt }) => {
        const bar = el("i", "waits");
        setExtent(bar, axis.position(startedAt), 1);
        return row(
          "pending",
          "pending",
          range === undefined ? `last ${size(suffix ?? 0)}` : count(range.start),
          range === undefined ? "" : size(range.end - range.start),
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
  // The wait for the first byte is shown apart. A cached range has none.
  const { firstByteMs = from === "cache" ? 0 : ms } = event;
  const waits = el("i", "waits");
  const receives = el("i", "receives");
  setExtent(waits, axis.position(startedAt), axis.position(startedAt + firstByteMs));
  setExtent(receives, axis.position(startedAt + firstByteMs), axis.position(startedAt + ms));
  const why = from === "cache" ? "cache" : (REASONS[reason] ?? reason);
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

function setExtent(bar: HTMLElement, from: number, to: number): void {
  bar.style.left = `${from * 100}%`;
  bar.style.width = `max(${(to - from) * 100}%, 1px)`;
}
