import { el, fill } from "@peekpack/explorer/ui/dom";
import { mark } from "@peekpack/explorer/ui/icons";
import { Toast } from "@peekpack/explorer/ui/notice";
import { themeButton } from "@peekpack/explorer/ui/theme";
import { type Destination, objectName } from "./destination/destination.js";
import { HomeView } from "./views/home-view.js";
import type { Keyring, Keys } from "./views/pending-row.js";
import { PendingView } from "./views/pending-view.js";
import { WorkView } from "./views/work-view.js";
import { Job } from "./write/job.js";

const TITLE = "peekpack writer";

/** The page: first the form, then the archive that is written. */
export class App {
  readonly #root: HTMLElement;
  readonly #stage: HTMLElement = el("div", "stage");
  readonly #view: HTMLElement = el("div", "view");
  readonly #toast = new Toast();
  /** Entered keys by endpoint. They stay in the memory of this page. */
  readonly #keys = new Map<string | undefined, Keys>();
  readonly #keyring: Keyring = { find: (endpoint) => this.#keys.get(endpoint) };
  readonly #pendingSlot: HTMLElement = el("div", "pending-slot");
  readonly #home: HomeView;
  #pending: PendingView | undefined;
  #work: { readonly job: Job; readonly view: WorkView } | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#home = new HomeView(this.#pendingSlot, (data, to, spool) =>
      this.#begin(to, () => Job.write(data, to, spool)),
    );
    fill(
      root,
      this.#stage,
      this.#toast.element,
      el(
        "div",
        { class: "drop-veil", attributes: { "aria-hidden": "true" } },
        el("p", { text: "Drop to write it" }),
      ),
    );
    fill(
      this.#stage,
      el(
        "header",
        "top plain",
        el("div", "brand", mark(), el("span", { class: "brand-name", text: "peekpack writer" })),
        el("div", "top-actions", themeButton()),
      ),
      this.#view,
    );
    this.#acceptDrops();
    this.#handleKeys();
    addEventListener("beforeunload", (event) => {
      // An upload can be resumed. An archive that is being written is lost.
      if (this.#work?.job.perishable) event.preventDefault();
    });
  }

  start(): void {
    this.#showHome();
  }

  #showHome(said?: string): void {
    const before = this.#work;
    this.#work = undefined;
    before?.view.close();
    document.title = TITLE;
    this.#pending = new PendingView(this.#keyring, {
      resume: (pending, to) =>
        this.#begin(to, () => Job.resume(pending, objectName(pending.target ?? ""), to)),
      changed: (text) => this.#toast.say(text),
    });
    fill(this.#pendingSlot, this.#pending.element);
    fill(this.#view, this.#home.element);
    this.#home.shown();
    if (said !== undefined) this.#toast.say(said);
    if (before !== undefined) this.#view.querySelector("button")?.focus({ preventScroll: true });
  }

  #begin(to: Destination, make: () => Job): void {
    if (to.kind === "signed") {
      const { region, credentials } = to;
      this.#keys.set(to.endpoint, { region, credentials });
    }
    this.#pending?.close();
    this.#pending = undefined;
    const job = make();
    const view = new WorkView(job, {
      home: (said) => this.#showHome(said),
      say: (text) => this.#toast.say(text),
    });
    this.#work = { job, view };
    fill(this.#view, view.element);
    view.focus();
  }

  #handleKeys(): void {
    addEventListener("keydown", (event) => {
      const { target, ctrlKey, metaKey, altKey } = event;
      const typing = target instanceof HTMLElement && target.matches("input, select, textarea, dialog *");
      if (!typing && !ctrlKey && !metaKey && !altKey) this.#work?.view.key(event);
    });
  }

  /** Accepts files that are dropped anywhere, unless an archive is being written. */
  #acceptDrops(): void {
    let depth = 0;
    const over = (change: number): void => {
      depth = Math.max(0, depth + change);
      this.#root.classList.toggle("dropping", depth > 0);
    };
    const isFile = (event: DragEvent): boolean =>
      this.#work === undefined && (event.dataTransfer?.types.includes("Files") ?? false);
    document.addEventListener("dragenter", (event) => {
      if (isFile(event)) over(1);
    });
    document.addEventListener("dragleave", (event) => {
      if (isFile(event)) over(-1);
    });
    // Otherwise the browser would open a file that is dropped while an archive is written.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = isFile(event) ? event.dataTransfer?.files[0] : undefined;
      over(-depth);
      if (file !== undefined) this.#home.takeFile(file);
    });
  }
}
