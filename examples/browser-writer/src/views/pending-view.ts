import { el, fill } from "@peekpack/explorer/ui/dom";
import { counted } from "@peekpack/explorer/ui/format";
import { pendingUploads } from "@peekpack/web-storage";
import { type Keyring, type PendingActions, pendingRow } from "./pending-row.js";

const LOOK_AGAIN_MS = 3000;

/** What earlier pages have left, on top of the page before anything else. */
export class PendingView {
  readonly element: HTMLElement = el("section", {
    class: "pending-view",
    attributes: { "aria-labelledby": "pending-title", hidden: true },
  });
  readonly #keys: Keyring;
  readonly #actions: PendingActions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shown = "";
  #closed = false;
  readonly #look = (): void => void this.refresh();

  constructor(keys: Keyring, actions: PendingActions) {
    this.#keys = keys;
    this.#actions = {
      ...actions,
      changed: (said) => {
        actions.changed(said);
        void this.refresh();
      },
    };
    // What other tabs have done meanwhile shows when this one is looked at again.
    addEventListener("focus", this.#look);
    void this.refresh();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("focus", this.#look);
  }

  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    const found = await pendingUploads({ active: true }).catch(() => []);
    if (this.#closed) return;
    // Another tab's end is not told; it shows in the list.
    if (found.some(({ active }) => active)) this.#timer = setTimeout(this.#look, LOOK_AGAIN_MS);
    const state = JSON.stringify(found.map(({ id, active, ...rest }) => (active ? [id] : [id, rest])));
    // As long as nothing has changed, a form that is being filled in stays as it is.
    if (state === this.#shown) return;
    this.#shown = state;
    this.element.hidden = found.length === 0;
    const dead = found.filter(({ active }) => !active).length;
    fill(
      this.element,
      el("h2", {
        text: dead === 0 ? "At work in another tab" : `${counted(dead, "upload")} left from before`,
        attributes: { id: "pending-title" },
      }),
      el("ul", "pending-list", ...found.map((pending) => pendingRow(pending, this.#keys, this.#actions))),
    );
  }
}
