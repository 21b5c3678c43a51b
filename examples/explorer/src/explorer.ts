import { LazyList, LazyMap, type PathKey } from "@peekpack/core";
import { addressText } from "./archive/address.js";
import type { Entry } from "./archive/entry.js";
import { failureOf, isAbort } from "./archive/failure.js";
import { exactSegments, isPattern, keyText, type TypedSegment, typedSegments } from "./archive/segments.js";
import type { Session } from "./archive/session.js";
import { downloadDialog } from "./download/download-dialog.js";
import { Downloads } from "./download/downloads.js";
import { formatsFor } from "./download/formats.js";
import { CommandBar } from "./search/command-bar.js";
import { resultsView } from "./select/results-view.js";
import { Selection } from "./select/selection.js";
import { type Query, writeLink } from "./share/link.js";
import { shareDialog } from "./share/share-dialog.js";
import { SharedView, type ViewState } from "./share/view-state.js";
import { TrafficPane } from "./traffic/traffic-pane.js";
import { TreeView } from "./tree/tree-view.js";
import { el, setAttributes } from "./ui/dom.js";
import { counted, size } from "./ui/format.js";
import { icon, mark } from "./ui/icons.js";
import type { Toast } from "./ui/notice.js";
import { shortcutsDialog } from "./ui/shortcuts.js";
import { splitter } from "./ui/splitter.js";
import { themeButton } from "./ui/theme.js";
import { ValuePane } from "./value/value-pane.js";

/** What a link leads to in an archive. */
export interface Destination {
  readonly path: string;
  readonly query: Query | undefined;
  readonly view: ViewState;
}

export interface ExplorerActions {
  /** The current entry has changed. @param link what the page's address becomes */
  moved(link: string): void;
  /** Goes back to the form that opens archives. */
  leave(): void;
}

type PaneName = "tree" | "value" | "traffic";

/** The page while an archive is open. */
export class Explorer {
  readonly element: HTMLElement;
  readonly #session: Session;
  readonly #actions: ExplorerActions;
  readonly #toast: Toast;
  readonly #tree: TreeView;
  readonly #value: ValuePane;
  readonly #traffic: TrafficPane;
  readonly #bar: CommandBar;
  readonly #panes: HTMLElement;
  readonly #nav: HTMLElement;
  readonly #pressedKey = (event: KeyboardEvent): void => this.#pressed(event);
  #going: AbortController | undefined;
  #selection: Selection | undefined;
  readonly #shared = new SharedView();
  readonly #downloads = new Downloads();
  /** How a link shows the entry at its path. */
  #linked: { readonly path: string; readonly view: ViewState } | undefined;

  constructor(session: Session, toast: Toast, actions: ExplorerActions) {
    this.#session = session;
    this.#toast = toast;
    this.#actions = actions;
    const { root, archive, traffic, address, name } = session;
    this.#tree = new TreeView(root);
    this.#traffic = new TrafficPane(traffic);
    this.#traffic.map.archive = archive;
    this.#value = new ValuePane(archive.info.size, this.#shared, {
      goTo: (entry) => void this.goTo(exactSegments(entry.path as PathKey[])),
      select: (text) => this.query({ kind: "select", text }),
      read: () => this.#tree.refresh(),
      download: (entry) => this.#download(entry),
      say: (text) => toast.say(text),
    });
    this.#bar = new CommandBar(root, {
      go: (path) => void this.goTo(path),
      query: (query) => this.query(query),
      leave: () => this.#tree.focus(),
    });
    this.#shared.changed.listen(() => this.#updateAddress());
    this.#tree.selected.listen(({ entry, soon }) => this.#chosen(entry, soon));
    this.#tree.hovered.listen((entry) => {
      this.#traffic.map.highlight = (entry ?? this.#tree.current).range;
    });
    const { info } = archive;
    const header = el(
      "header",
      "top",
      el(
        "button",
        {
          class: "brand",
          attributes: {
            type: "button",
            title: "Open another archive",
            "aria-label": "peekpack: open another archive",
          },
          on: { click: actions.leave },
        },
        mark(),
        el("span", { class: "brand-name", text: "peekpack" }),
      ),
      el(
        "div",
        { class: "source", attributes: { title: addressText(address) } },
        el("h1", { class: "source-name", text: name }),
        el("span", {
          class: "source-facts",
          text: `${size(info.size)} · ${info.codec === "cbor" ? "CBOR" : "MessagePack"}`,
        }),
      ),
      this.#bar.element,
      el(
        "div",
        "top-actions",
        el(
          "button",
          {
            class: "icon-button",
            attributes: { type: "button", title: "Share", "aria-label": "Share a link" },
            on: { click: () => this.#share() },
          },
          icon("link"),
        ),
        themeButton(),
      ),
    );
    const treePane = el(
      "section",
      { class: "tree-pane", attributes: { "aria-label": "Tree" } },
      this.#tree.element,
    );
    this.#panes = el("main", "panes", treePane);
    this.#panes.append(splitter(this.#panes, "Width of the tree", 42), this.#value.element);
    const tab = (pane: PaneName, text: string): HTMLElement =>
      el("button", {
        class: "nav-button",
        text,
        attributes: { type: "button", "data-pane": pane },
        on: { click: () => this.#showPane(pane) },
      });
    this.#nav = el(
      "nav",
      { class: "pane-nav", attributes: { "aria-label": "Panes" } },
      tab("tree", "Tree"),
      tab("value", "Value"),
      tab("traffic", "Bytes"),
    );
    this.element = el(
      "div",
      "explorer",
      header,
      this.#panes,
      this.#traffic.element,
      this.#nav,
      this.#downloads.element,
    );
    this.#showPane("tree");
    document.addEventListener("keydown", this.#pressedKey);
  }

  /** Unfolds the root and follows a link. */
  async start(link: Destination, signal: AbortSignal): Promise<void> {
    await this.#tree.start(signal);
    await this.follow(link);
    if (link.path === "") this.#showPane("tree");
    this.#tree.focus();
  }

  /** Shows what a link shows. */
  async follow({ path, query, view }: Destination): Promise<void> {
    const segments = typedSegments(path);
    this.#linked = { path: segments.map(({ text }) => text).join("/"), view };
    if (segments.length > 0) await this.goTo(segments);
    else this.#tree.choose(this.#session.root);
    if (query !== undefined && (query.kind !== "select" || isPattern(query.text))) this.query(query, true);
  }

  /** Goes to a path. Reads the entries on it. */
  async goTo(path: readonly TypedSegment[]): Promise<void> {
    this.#going?.abort();
    const controller = new AbortController();
    this.#going = controller;
    const { signal } = controller;
    try {
      const entry = await this.#tree.goTo(path, signal);
      if (entry.foldable !== true || entry.outline === undefined) this.#showPane("value");
      if (!this.#bar.element.contains(document.activeElement)) return;
      this.#tree.focus();
    } catch (error) {
      if (!isAbort(error, signal)) this.#toast.say(failureOf(error).message);
    } finally {
      if (this.#going === controller) this.#going = undefined;
    }
  }

  /** Shows the matches of a query. @param linked whether a link brought it: then it asks sooner before it reads on */
  query(query: Query, linked = false): void {
    this.#selection?.stop();
    const selection = new Selection(this.#session, query, { linked });
    this.#selection = selection;
    if (!linked) this.#shared.replace({});
    this.#value.showInstead(
      resultsView(selection, {
        shared: this.#shared,
        goTo: (path) => void this.goTo(exactSegments(path)),
        say: (text) => this.#toast.say(text),
        download: () => this.#downloadMatches(selection),
        searchValues: () => this.query({ kind: "values", text: query.text }),
        leave: () => this.#leaveSelection(),
      }),
    );
    this.#showPane("value");
    this.#value.focus();
    if (query.kind === "select" || query.kind === "jsonpath") this.#bar.text = query.text;
    this.#updateAddress();
    void selection.run();
  }

  #download(entry: Entry): void {
    const value = entry.content === undefined ? {} : entry.content.value;
    const { bytes } = entry;
    downloadDialog(
      { title: `Download ${keyText(entry.key)}`, formats: formatsFor(value), bytes },
      (format, columns) =>
        void this.#downloads.start({
          name: keyText(entry.key).replace(/\.msglc(\.zst)?$/, ""),
          format,
          columns,
          codec: this.#session.archive.info.codec,
          downloaded: { kind: "value", open: async (options) => (await entry.load(options)).value },
        }),
    );
  }

  #downloadMatches(selection: Selection): void {
    const { state, paths, query } = selection;
    const some = {
      name: "found",
      label: `The ${counted(paths.length, "match", "matches")} that were found`,
    } as const;
    const all = { name: "all", label: "All matches: the query is run again, without a limit" } as const;
    downloadDialog(
      {
        title: "Download the matches",
        formats: formatsFor("matches"),
        bytes: undefined,
        scopes: state === "done" || !selection.hasValues ? undefined : [some, all],
      },
      (format, columns, scope) =>
        void this.#downloads.start({
          name: `${this.#session.name.replace(/\.msglc(\.zst)?$/, "")} ${query.text}`,
          format,
          columns,
          codec: this.#session.archive.info.codec,
          downloaded: {
            kind: "matches",
            matches: ({ signal }) =>
              scope === "all" ? selection.again(signal!) : selection.withValues(signal!),
          },
        }),
    );
  }

  close(): void {
    document.removeEventListener("keydown", this.#pressedKey);
    this.#going?.abort();
    this.#selection?.stop();
    this.#downloads.close();
    this.#tree.close();
    this.#value.close();
    this.#traffic.close();
    void this.#session.archive.close();
  }

  #leaveSelection(): void {
    this.#selection?.stop();
    this.#selection = undefined;
    this.#tree.choose(this.#tree.current);
    this.#tree.focus();
  }

  #chosen(entry: Entry, soon: boolean): void {
    this.#selection?.stop();
    this.#selection = undefined;
    const linked = this.#linked;
    this.#linked = undefined;
    const isLinked = linked?.path === entry.path.map(keyText).join("/");
    this.#shared.replace(isLinked ? linked.view : {});
    this.#bar.text = entry.pathText;
    this.#traffic.map.highlight = entry.range;
    this.#value.show(entry, soon);
    this.#updateAddress();
    const value = entry.content?.value;
    const lazy = value instanceof LazyMap || value instanceof LazyList || entry.foldable === true;
    if (!soon && !lazy && entry.parent !== undefined) this.#showPane("value");
  }

  get #link(): string {
    return writeLink({
      address: this.#session.address,
      path: this.#tree.current.pathText,
      query: this.#selection?.query,
      view: this.#shared.state,
    });
  }

  #updateAddress(): void {
    this.#actions.moved(this.#link);
    const at = this.#tree.current;
    document.title =
      at.parent === undefined ? this.#session.name : `${keyText(at.key)} · ${this.#session.name}`;
  }

  #share(): void {
    shareDialog(this.#session.address, new URL(this.#link, location.href).href, (text) =>
      this.#toast.say(text),
    );
  }

  /** Shows a pane. A small screen shows one at a time. */
  #showPane(pane: PaneName): void {
    this.element.dataset.pane = pane;
    for (const button of this.#nav.querySelectorAll<HTMLElement>("[data-pane]")) {
      setAttributes(button, { "aria-current": button.dataset.pane === pane ? "true" : undefined });
    }
  }

  #pressed(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const typing =
      event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null;
    if (typing) return;
    switch (event.key) {
      case "/":
        this.#bar.focus();
        break;
      case "?":
        shortcutsDialog();
        break;
      case "Escape":
        if (this.#going !== undefined) this.#going.abort();
        else if (this.#selection !== undefined) this.#leaveSelection();
        else if (!this.#value.stop()) this.#tree.focus();
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
