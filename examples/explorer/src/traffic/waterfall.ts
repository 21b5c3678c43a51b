import type { RequestEvent } from "@peekpack/core";
import type { Traffic } from "../archive/traffic.js";
import { el, fill } from "../ui/dom.js";
import { count, duration, size } from "../ui/format.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { type Timeline, timeline } from "./timeline.js";

/** Requests that are drawn: the latest. */
const MAX_SHOWN = 120;
/** Between two drawings. Each moves all bars, which takes longer than a frame while much is read. */
const REST_MS = 200;

const REASONS: Readonly<Record<string, string>> = {
  open: "open",
  toc: "table of contents",
  data: "data",
  "read-ahead": "read-ahead",
  retry: "retry",
};

/** The line of a request that has ended. It moves when later requests change the axis. */
interface Line {
  readonly element: HTMLElement;
  readonly waits: HTMLElement;
  readonly receives: HTMLElement;
}

/** The requests, one a line: when each was sent, waited and received. */
export class Waterfall {
  readonly element: HTMLElement;
  readonly #traffic: Traffic;
  /** The lines that are shown, oldest first. They are kept, because to make and lay out all of them takes long. */
  readonly #lines = new Map<RequestEvent, Line>();
  readonly #ended: HTMLElement = el("div");
  readonly #pending: HTMLElement = el("div");
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
      el("div", { attributes: { role: "rowgroup" } }, this.#ended, this.#pending),
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
    this.#drawEnded(events, axis);
    fill(
      this.#pending,
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
      events.length + waiting.length === 0 && el("p", { class: "hint", text: "No request yet." }),
    );
    if (atEnd) element.scrollTop = element.scrollHeight;
  }

  /** Draws the latest of the requests that have ended. */
  #drawEnded(events: readonly RequestEvent[], axis: Timeline): void {
    const shown = new Set(events);
    for (const [event, { element }] of this.#lines) {
      if (shown.has(event)) continue;
      element.remove();
      this.#lines.delete(event);
    }
    for (const event of events) {
      let line = this.#lines.get(event);
      if (line === undefined) {
        line = lineOf(event);
        this.#lines.set(event, line);
        this.#ended.append(line.element);
      }
      moveBars(line, event, axis);
    }
  }
}

function lineOf({ ms, range, suffix, reason, bytes, error, from, attempt }: RequestEvent): Line {
  const waits = el("i", "waits");
  const receives = el("i", "receives");
  const why = from === "cache" ? "cache" : (REASONS[reason] ?? reason);
  const element = row(
    error !== undefined ? "failed" : from === "cache" ? "kept" : reason,
    error !== undefined ? `${why}: ${error}` : attempt > 1 ? `${why}, try ${attempt}` : why,
    range === undefined ? (suffix === undefined ? "" : `last ${size(suffix)}`) : count(range.start),
    size(bytes),
    duration(ms),
    waits,
    receives,
  );
  return { element, waits, receives };
}

/** Moves the bars of a request. */
function moveBars({ waits, receives }: Line, event: RequestEvent, axis: Timeline): void {
  const { startedAt, ms, from } = event;
  // The wait for the first byte has its own bar. A cached range has no wait.
  const { firstByteMs = from === "cache" ? 0 : ms } = event;
  setExtent(waits, axis.position(startedAt), axis.position(startedAt + firstByteMs));
  setExtent(receives, axis.position(startedAt + firstByteMs), axis.position(startedAt + ms));
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
