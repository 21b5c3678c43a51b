import { el, fill } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import { persistStorage, type StorageRoom, storageRoom } from "@peekpack/web-storage";

/** What room the browser gives this page, and the offer to ask that it is kept. */
export class RoomLine {
  readonly element: HTMLElement = el("div", "room-line");
  /** Told of the room whenever it was asked for. */
  onRoom: (room: StorageRoom | undefined) => void = () => {};
  #note = "";

  constructor() {
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const room = await storageRoom();
    this.onRoom(room);
    if (room === undefined) {
      fill(this.element, el("span", { text: "This browser does not say what room there is." }));
      return;
    }
    const { used, quota, persisted } = room;
    const fillBar = el("span", "room-fill");
    fillBar.style.setProperty("--share", `${(used / quota) * 100}%`);
    const had = this.element.contains(document.activeElement);
    fill(
      this.element,
      el("span", { class: "room-bar", attributes: { "aria-hidden": "true" } }, fillBar),
      el("span", {
        text: `Room in this browser: ${size(used)} of ${size(quota)} used`,
      }),
      persisted
        ? el("span", { class: "room-kept", text: "kept, also when the disk runs full" })
        : el("button", {
            class: "text-button",
            text: this.#note || "Ask to keep it",
            attributes: {
              type: "button",
              title: "Asks the browser not to evict this page's data when the disk runs full",
            },
            on: { click: () => void this.#persist() },
          }),
    );
    if (had) this.element.querySelector("button")?.focus();
  }

  async #persist(): Promise<void> {
    if (!(await persistStorage())) this.#note = "The browser does not promise it yet";
    await this.refresh();
  }
}
