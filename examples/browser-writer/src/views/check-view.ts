import { type Child, el, fill } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import { busyNotice, failureNotice } from "@peekpack/explorer/ui/notice";
import { CORS, checkDestination, corsRule, withFreeKey } from "../destination/check.js";
import type { Destination } from "../destination/destination.js";
import { findService, OWN_SERVICE } from "../destination/signing-service.js";

/** What the user decides after a check. */
export interface CheckActions {
  /** Writes to the destination that was checked, or to another one. */
  go(destination: Destination): void;
  /** Checks the form again. */
  again(): void;
}

/** Checks a destination, and shows what stands in the way, with buttons for what can be done. */
export class CheckView {
  readonly element: HTMLElement = el("div", "opening-notice check");
  /** Counts checks, so that a late response is not shown. */
  #check = 0;

  /** Forgets the last check. */
  clear(): void {
    this.#check++;
    fill(this.element);
  }

  /** Goes on if nothing stands in the way. */
  async check(destination: Destination, actions: CheckActions): Promise<void> {
    this.clear();
    const check = this.#check;
    fill(this.element, busyNotice("Checking the destination …"));
    const found = await checkDestination(destination);
    const other =
      found.kind === "exists" && destination.put === "create" ? await withFreeKey(destination) : undefined;
    const rule =
      found.kind === "refused" && found.failure.code === CORS ? corsRule(await this.#origins()) : undefined;
    if (check !== this.#check) return;
    if (found.kind === "refused") {
      const { failure } = found;
      this.#show(
        failureNotice(failure),
        rule !== undefined && el("pre", { class: "check-rule", text: rule, attributes: { tabindex: 0 } }),
        button("Check again", "primary", actions.again),
        button("Write anyway", "", () => actions.go(destination)),
      );
    } else if (found.kind === "exists" && other !== undefined) {
      this.#show(
        el(
          "div",
          { class: "notice", attributes: { role: "alert" } },
          el("h2", { text: "The object exists" }),
          el("p", {
            text: `${destination.path}${found.size === undefined ? "" : ` has ${size(found.size)}`}. Nothing is replaced unless you choose so.`,
          }),
        ),
        button(`Write to ${other.path.split("/").pop()}`, "primary", () => actions.go(other)),
        button("Replace it", "danger", () => actions.go({ ...destination, put: "overwrite" })),
      );
    } else {
      this.clear();
      actions.go(destination);
    }
  }

  /** The origins of this page and of the explorer. */
  async #origins(): Promise<string[]> {
    const explorer = (await findService(OWN_SERVICE))?.explorer;
    return [...new Set([location.origin, ...(explorer === undefined ? [] : [new URL(explorer).origin])])];
  }

  #show(notice: HTMLElement, ...controls: readonly Child[]): void {
    notice.append(el("div", "check-actions", ...controls));
    fill(this.element, notice);
    notice.scrollIntoView({ block: "nearest" });
  }
}

function button(text: string, look: string, go: () => void): HTMLElement {
  return el("button", {
    class: `button ${look}`,
    text,
    attributes: { type: "button" },
    on: { click: () => go() },
  });
}
