import { openArchive, readEngine } from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { failureOf } from "../archive/failure.js";
import { DEMO_LINK } from "../archive/session.js";
import { el, fill } from "../ui/dom.js";
import { counted, duration, size } from "../ui/format.js";

/** Reads one number out of an archive of forty gigabytes when it is asked to, and shows what that cost. */
export function oneNumber(): HTMLElement {
  const result = el("p", { class: "one-number", attributes: { role: "status" } });
  const button = el("button", {
    class: "text-button",
    text: "Read one number of 40 GB",
    attributes: { type: "button" },
    on: {
      click: async () => {
        button.disabled = true;
        result.textContent = "Reading …";
        try {
          fill(result, ...(await readOne()));
        } catch (error) {
          result.textContent = failureOf(error).message;
        } finally {
          button.disabled = false;
        }
      },
    },
  });
  return el(
    "div",
    {},
    el(
      "p",
      "demo-line",
      button,
      ", of an archive whose bytes are computed when they are asked for, over a simulated connection.",
    ),
    result,
  );
}

/** Opens the archive anew, and reads the energy of any run. */
async function readOne(): Promise<(Node | string)[]> {
  // A chunk of its own, because it needs the writer.
  const { fortyGigabytes, RUNS } = await import("../demo/forty-gigabytes.js");
  const path = `runs/${Math.floor(Math.random() * RUNS)}/energy`;
  const started = performance.now();
  const archive = await openArchive(readEngine(slowSource(fortyGigabytes(), DEMO_LINK), { readAhead: 0 }));
  try {
    const value = await archive.read(path);
    const ms = performance.now() - started;
    const { requests, bytes } = archive.stats;
    const whole = size(archive.info.size);
    return [
      el("code", { text: `${path} = ${String(value)}` }),
      `: ${size(bytes)} of ${whole}, in ${counted(requests, "request")} and ${duration(ms)}.`,
    ];
  } finally {
    await archive.close();
  }
}
