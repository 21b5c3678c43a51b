import type { Address } from "../archive/address.js";
import { el } from "../ui/dom.js";

/** Whether the build has put archives of real data beside the page, as that of the command does. */
const HAS_REAL_DATA = import.meta.env.MODE === "samples";

/** Archives to begin with: generated ones, and real data if the page's own server has them. */
export function samples(open: (address: Address) => void): HTMLElement {
  const sample = (text: string, address: Address): HTMLElement =>
    el("button", {
      class: "text-button",
      text,
      attributes: { type: "button" },
      on: { click: () => open(address) },
    });
  const stored = (name: string): Address => ({
    kind: "url",
    url: new URL(`samples/${name}`, document.baseURI).href,
  });
  return el(
    "div",
    {},
    el(
      "p",
      "demo-line",
      "No archive at hand? ",
      sample("Try a generated one", { kind: "demo", name: "simulations" }),
      ", or ",
      sample("walk through the 40 GB", { kind: "demo", name: "forty-gigabytes" }),
      ".",
    ),
    HAS_REAL_DATA &&
      el(
        "p",
        "demo-line",
        "Real data: ",
        sample("what browsers support", stored("browser-compat-data.msglc")),
        ", or ",
        sample("the same compressed", stored("browser-compat-data.msglc.zst")),
        ". MDN collects it.",
      ),
  );
}
