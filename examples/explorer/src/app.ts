import { type Address, addressName, type PublicAddress, publicAddress } from "./archive/address.js";
import { BrowserCache } from "./archive/browser-cache.js";
import { failureOf, isAbort } from "./archive/failure.js";
import { openSession } from "./archive/session.js";
import { Traffic } from "./archive/traffic.js";
import { type Destination, Explorer } from "./explorer.js";
import { askForFreshAddress } from "./opening/fresh-address-dialog.js";
import { OpeningView } from "./opening/opening-view.js";
import { rememberArchive } from "./opening/recent-archives.js";
import { takeHandOver } from "./share/hand-over.js";
import { type Link, readLink } from "./share/link.js";
import { el, fill } from "./ui/dom.js";
import { size } from "./ui/format.js";
import { mark } from "./ui/icons.js";
import { Toast } from "./ui/notice.js";
import { themeButton } from "./ui/theme.js";

const TITLE = "peekpack explorer";
/** Where an archive is opened without a link. */
const START: Destination = { path: "", query: undefined, view: {} };

/** The page: first the form that opens an archive, then the archive. */
export class App {
  readonly #root: HTMLElement;
  readonly #stage: HTMLElement = el("div", "stage");
  readonly #toast: Toast = new Toast();
  readonly #cache = new BrowserCache();
  #opening: OpeningView | undefined;
  #explorer: Explorer | undefined;
  #loading: AbortController | undefined;
  /** The address of the open archive, as JSON. */
  #shown: string | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    fill(
      root,
      this.#stage,
      this.#toast.element,
      el(
        "div",
        { class: "drop-veil", attributes: { "aria-hidden": "true" } },
        el("p", { text: "Drop to open" }),
      ),
    );
    this.#acceptDrops();
    addEventListener("popstate", () => this.#follow(readLink(location.hash)));
  }

  start(): void {
    this.#follow(readLink(location.hash));
    if (takeHandOver(location.hash, (address) => void this.#open(address, START))) {
      history.replaceState(null, "", location.pathname + location.search);
    }
  }

  /** Shows what a link names. */
  #follow(link: Link | undefined): void {
    if (link === undefined) {
      this.#home();
      return;
    }
    const { address } = link;
    if (this.#explorer !== undefined && this.#shown === JSON.stringify(address)) {
      void this.#explorer.follow(link);
      return;
    }
    const open = openable(address);
    if (open === undefined) {
      this.#home();
      this.#opening?.ask(address);
      // The link's path is opened after the secrets are entered.
      this.#pending = link;
    } else {
      void this.#open(open, link);
    }
  }

  #pending: Link | undefined;

  #home(): void {
    this.#leave();
    document.title = TITLE;
    this.#opening = new OpeningView(this.#cache, (address) => {
      const pending = this.#pending;
      this.#pending = undefined;
      const same = pending !== undefined && isSameObject(pending.address, publicAddress(address));
      void this.#open(address, same ? pending : START);
    });
    fill(
      this.#stage,
      el(
        "header",
        "top plain",
        el("div", "brand", mark(), el("span", { class: "brand-name", text: "peekpack" })),
        el("div", "top-actions", themeButton()),
      ),
      this.#opening.element,
    );
  }

  #leave(): void {
    this.#loading?.abort();
    this.#explorer?.close();
    this.#explorer = undefined;
    this.#shown = undefined;
    this.#opening?.close();
    this.#opening = undefined;
  }

  async #open(address: Address, to: Destination): Promise<void> {
    const before = this.#opening;
    this.#loading?.abort();
    const controller = new AbortController();
    this.#loading = controller;
    const { signal } = controller;
    const shown = publicAddress(address);
    const traffic = new Traffic();
    const arrived = el("p", {
      class: "dim",
      text: address.kind === "demo" ? "Generating data …" : "Reading its header and its table of contents …",
    });
    const unlisten = traffic.changed.listen(() => {
      if (traffic.bytes > 0) arrived.textContent = `${size(traffic.bytes)} received …`;
    });
    const stop = el("button", {
      class: "button quiet",
      text: "Stop",
      attributes: { type: "button" },
      on: { click: () => controller.abort() },
    });
    const veil = el(
      "div",
      { class: "loading", attributes: { role: "status" } },
      el(
        "div",
        "loading-inner",
        el("span", "spinner large"),
        el("h2", { text: `Opening ${addressName(shown)}` }),
        arrived,
        stop,
      ),
    );
    this.#stage.append(veil);
    stop.focus();
    try {
      const session = await openSession(address, this.#cache, traffic, signal);
      if (signal.aborted) {
        await session.archive.close();
        signal.throwIfAborted();
      }
      // Closes the previous view, and not this opening.
      this.#loading = undefined;
      this.#leave();
      this.#loading = controller;
      this.#shown = JSON.stringify(shown);
      let first = true;
      const explorer = new Explorer(session, this.#toast, {
        moved: (link) => {
          // One step back leads to the previous page, not through every row.
          if (first && link !== location.hash) history.pushState(null, "", link);
          else history.replaceState(null, "", link);
          first = false;
        },
        leave: () => {
          history.pushState(null, "", location.pathname + location.search);
          this.#home();
        },
      });
      this.#explorer = explorer;
      rememberArchive(shown);
      fill(
        this.#stage,
        session.unverified && staleNotice(() => void this.#open(address, readLink(location.hash) ?? START)),
        explorer.element,
      );
      if (session.fresh !== undefined && shown.kind === "url") {
        session.fresh.ask = () => askForFreshAddress(shown.url);
      }
      await explorer.start(to, signal);
    } catch (error) {
      if (isAbort(error, signal)) {
        if (this.#opening === undefined && this.#explorer === undefined) this.#home();
      } else {
        if (before === undefined || this.#opening !== before) this.#home();
        this.#opening?.failed(failureOf(error), shown);
      }
    } finally {
      unlisten();
      veil.remove();
      if (this.#loading === controller) this.#loading = undefined;
    }
  }

  /** Opens files that are dropped anywhere on the page. */
  #acceptDrops(): void {
    let depth = 0;
    const root = this.#root;
    const isFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (change: number): void => {
      depth = Math.max(0, depth + change);
      root.classList.toggle("dropping", depth > 0);
    };
    document.addEventListener("dragenter", (event) => {
      if (isFile(event)) over(1);
    });
    document.addEventListener("dragleave", (event) => {
      if (isFile(event)) over(-1);
    });
    document.addEventListener("dragover", (event) => {
      if (isFile(event)) event.preventDefault();
    });
    document.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      over(-depth);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void this.#open({ kind: "file", file }, START);
    });
  }
}

/** Says that what is shown is what the browser has kept. */
function staleNotice(again: () => void): HTMLElement {
  return el(
    "div",
    { class: "stale", attributes: { role: "status" } },
    el("p", {
      text: "The server does not respond. This is what the browser has kept of an earlier visit: it may be out of date.",
    }),
    el("button", {
      class: "button",
      text: "Ask the server again",
      attributes: { type: "button" },
      on: { click: again },
    }),
  );
}

/** The address of a link, if it can be opened without asking for secrets or a file. */
function openable(address: PublicAddress): Address | undefined {
  switch (address.kind) {
    case "url":
      return address.cut ? undefined : { kind: "url", url: address.url };
    case "s3":
      return address.signed ? undefined : { ...address, credentials: undefined };
    case "demo":
      return address;
    case "file":
      return undefined;
  }
}

/** Whether two addresses name the same object. */
function isSameObject(one: PublicAddress, other: PublicAddress): boolean {
  if (one.kind === "s3" && other.kind === "s3")
    return one.path === other.path && one.endpoint === other.endpoint;
  if (one.kind === "url" && other.kind === "url") return one.url === other.url;
  return addressName(one) === addressName(other);
}
