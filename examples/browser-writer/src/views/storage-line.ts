import { el, fill } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import { persistStorage, type StorageQuota, storageQuota } from "@peekpack/web-storage";

/** Shows the storage that the browser gives this page, with a button to make it persistent. */
export class StorageLine {
  readonly element: HTMLElement = el("div", "storage-line");
  /** Called with the available storage after each refresh. */
  onChange: (room: StorageQuota | undefined) => void = () => {};
  #note = "";

  constructor() {
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const room = await storageQuota();
    this.onChange(room);
    if (room === undefined) {
      fill(this.element, el("span", { text: "This browser does not report its storage." }));
      return;
    }
    const { used, quota, persisted } = room;
    const fillBar = el("span", "storage-fill");
    fillBar.style.setProperty("--share", `${(used / quota) * 100}%`);
    const hadFocus = this.element.contains(document.activeElement);
    fill(
      this.element,
      el("span", { class: "storage-bar", attributes: { "aria-hidden": "true" } }, fillBar),
      el("span", {
        text: `Storage in this browser: ${size(used)} of ${size(quota)} used`,
      }),
      persisted
        ? el("span", { class: "storage-persistent", text: "persistent" })
        : el("button", {
            class: "text-button",
            text: this.#note || "Make it persistent",
            attributes: {
              type: "button",
              title: "Asks the browser not to evict this page's data when the disk is full",
            },
            on: { click: () => void this.#persist() },
          }),
    );
    if (hadFocus) this.element.querySelector("button")?.focus();
  }

  async #persist(): Promise<void> {
    if (!(await persistStorage())) this.#note = "The browser did not agree";
    await this.refresh();
  }
}
