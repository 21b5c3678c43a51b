import type { Traffic } from "../archive/traffic.js";
import { el, fill } from "../ui/dom.js";
import { counted, duration, share, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { ByteMap } from "./byte-map.js";
import { Waterfall } from "./waterfall.js";

/** Shows what reading costs: a sentence, the byte map, and every request. */
export class TrafficPane {
  readonly element: HTMLElement;
  readonly map: ByteMap;
  readonly #traffic: Traffic;
  readonly #waterfall: Waterfall;
  readonly #sentence: HTMLElement = el("p", {
    class: "meter",
    attributes: { role: "status", "aria-live": "off" },
  });
  readonly #details: HTMLElement = el("p", "meter-details");
  readonly #unlisten: () => void;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.map = new ByteMap(traffic);
    this.#waterfall = new Waterfall(traffic);
    const fold = el(
      "button",
      {
        class: "icon-button fold",
        attributes: {
          type: "button",
          "aria-expanded": "true",
          "aria-label": "Requests and byte map",
          title: "Fold or unfold",
        },
        on: {
          click: () => {
            const folded = this.element.classList.toggle("folded");
            fold.setAttribute("aria-expanded", folded ? "false" : "true");
          },
        },
      },
      icon("chevron"),
    );
    const key = (name: string, text: string): HTMLElement => el("span", `key ${name}`, el("i"), text);
    this.element = el(
      "section",
      { class: "traffic", attributes: { "aria-label": "What reading costs" } },
      el("div", "traffic-meter", this.#sentence, this.#details, fold),
      el(
        "div",
        "traffic-map",
        this.map.element,
        el(
          "div",
          { class: "map-key", attributes: { "aria-hidden": "true" } },
          key("lit", "read"),
          key("kept", "kept from before"),
          key("toc", "table of contents"),
          key("chosen", "where the value lies"),
        ),
      ),
      this.#waterfall.element,
    );
    this.#unlisten = traffic.changed.listen(beforeNextFrame(() => this.#draw()));
    this.#draw();
  }

  close(): void {
    this.#unlisten();
    this.map.close();
    this.#waterfall.close();
  }

  #draw(): void {
    const { bytes, fetched, cached, requests, size: whole, busyMs, pending } = this.#traffic;
    fill(
      this.#sentence,
      "You read ",
      el("strong", { text: size(fetched.bytes) }),
      whole !== undefined && " of ",
      whole !== undefined && el("span", { class: "whole", text: size(whole) }),
    );
    const parts = [
      ...(whole === undefined ? [] : [share(fetched.bytes, whole)]),
      counted(requests, "request"),
      // Bytes may be transferred twice: if a cache was full, or a response was cut off.
      ...(bytes > fetched.bytes * 1.01 ? [`${size(bytes)} transferred`] : []),
      ...(cached.bytes > 0 ? [`${size(cached.bytes)} from the cache`] : []),
      ...(busyMs > 0 ? [`${duration(busyMs)} of loading`] : []),
      ...(pending.size > 0 ? [`${pending.size} pending`] : []),
    ];
    fill(this.#details, parts.join(" · "));
  }
}
