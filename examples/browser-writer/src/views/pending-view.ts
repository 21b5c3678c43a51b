import { el, fill } from "@peekpack/explorer/ui/dom";
import { counted } from "@peekpack/explorer/ui/format";
import { pendingUploads } from "@peekpack/web-storage";
import { type Keyring, type PendingActions, pendingRow } from "./pending-row.js";

const LOOK_AGAIN_MS = 3000;

/** The list of pending uploads, at the top of the page. */
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
    // Refreshes when the tab is shown again: other tabs may have changed the list.
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
    // The end of another tab emits no event. It appears in the list.
    if (found.some(({ active }) => active)) this.#timer = setTimeout(this.#look, LOOK_AGAIN_MS);
    const state = JSON.stringify(found.map(({ id, active, ...rest }) => (active ? [id] : [id, rest])));
    // If nothing has changed, a form that is being filled in stays.
    if (state === this.#shown) return;
    this.#shown = state;
    this.element.hidden = found.length === 0;
    const dead = found.filter(({ active }) => !active).length;
    fill(
      this.element,
      el("h2", {
        text: dead === 0 ? "Active in another tab" : `${counted(dead, "upload")} from earlier`,
        attributes: { id: "pending-title" },
      }),
      el("ul", "pending-list", ...found.map((pending) => pendingRow(pending, this.#keys, this.#actions))),
    );
  }
}
