import type { Entry } from "../archive/entry.js";
import { type Failure, failureOf, isAbort } from "../archive/failure.js";
import { keyText, type TypedSegment } from "../archive/segments.js";
import { el, fill, setAttributes } from "../ui/dom.js";
import { Emitter } from "../ui/emitter.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { shownKey } from "../ui/shown-text.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { preview, token, tokenNodes } from "../value/tokens.js";
import { KeySearch } from "./key-search.js";
import { TreeRows } from "./tree-rows.js";

/** Values up to this size are read when they come into view, so that small ones show themselves. */
const PEEK_BYTES = 64;
const PEEK_AFTER_MS = 90;
/** Rows before and after the view that are described too. */
const MARGIN = 16;

/** A path segment that names no entry. */
export class NoSuchEntry extends Error {
  readonly reached: Entry;

  constructor(reached: Entry, missing: string) {
    super(
      `There is no ${JSON.stringify(missing)} in ${reached.parent === undefined ? "the archive" : keyText(reached.key)}.`,
    );
    this.name = "not-found";
    this.reached = reached;
  }
}

/**
 * The tree of an archive's entries. Unfolding reads the entry that is unfolded and nothing else. Folding and closing abort
 * reads. The keyboard works as the ARIA practices for trees ask.
 */
export class TreeView {
  readonly element: HTMLElement;
  /** An entry was chosen. `soon`: further moves may follow at once. */
  readonly selected: Emitter<{ readonly entry: Entry; readonly soon: boolean }> = new Emitter();
  readonly hovered: Emitter<Entry | undefined> = new Emitter();
  readonly #rows: TreeRows;
  readonly #list: VirtualRows;
  readonly #root: Entry;
  readonly #unfolding = new Map<Entry, AbortController>();
  readonly #failures = new WeakMap<Entry, Failure>();
  readonly #closed = new AbortController();
  readonly #keySearch = new KeySearch();
  #current: Entry;
  /** The depth of the deepest row that was drawn. */
  #deepest = 0;
  #peeking: AbortController | undefined;
  #peekTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: Entry) {
    this.#root = root;
    this.#current = root;
    this.#rows = new TreeRows(root);
    this.element = el("div", {
      class: "tree",
      attributes: { role: "tree", tabindex: 0, "aria-label": "Entries of the archive" },
      on: {
        keydown: (event) => this.#pressed(event),
        click: (event) => this.#clicked(event),
        mouseover: (event) => this.hovered.emit(this.#entryUnder(event)),
        mouseleave: () => this.hovered.emit(undefined),
      },
    });
    this.#list = new VirtualRows(this.element, {
      count: () => this.#rows.count,
      create: createRow,
      render: (index, row) => this.#render(index, row),
      shown: (first, last) => {
        if (!this.#root.paged) void this.#describe(first, last);
        this.#peekSoon(first, last);
      },
    });
  }

  get current(): Entry {
    return this.#current;
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  /** Redraws after content was read elsewhere. */
  refresh(): void {
    this.#list.refreshSoon();
  }

  /** Unfolds the root. */
  async start(signal: AbortSignal): Promise<void> {
    const { outline } = this.#root;
    // A root that is one value is read when it is chosen.
    if (outline === undefined || outline.kind !== "value") {
      await this.#root.load({ signal });
      this.#rows.open(this.#root);
    }
    this.#list.refresh();
  }

  /**
   * Follows a path from the root, reads the entries on it, and chooses the last one.
   * @throws NoSuchEntry; what reading rejects with; the signal's reason
   */
  async goTo(path: readonly TypedSegment[], signal: AbortSignal): Promise<Entry> {
    let entry = this.#root;
    for (const [i, segment] of path.entries()) {
      await entry.load({ signal });
      signal.throwIfAborted();
      const index = await entry.find(segment, { signal });
      signal.throwIfAborted();
      if (index < 0) {
        this.#choose(entry, false, "third");
        throw new NoSuchEntry(entry, path[i]!.text);
      }
      this.#rows.open(entry);
      await entry.ensure(index, index + 1, { signal });
      entry = entry.child(index);
    }
    this.#choose(entry, false, "third");
    return entry;
  }

  /** Aborts all reads. */
  close(): void {
    this.#closed.abort();
    this.#keySearch.stop();
    for (const controller of this.#unfolding.values()) controller.abort();
    this.#peeking?.abort();
    clearTimeout(this.#peekTimer);
    this.#list.close();
  }

  /** Chooses an entry whose parents are unfolded. */
  choose(entry: Entry): void {
    this.#choose(entry, false);
  }

  #choose(entry: Entry, soon: boolean, where: "nearest" | "third" = "nearest"): void {
    this.#current = entry;
    const row = this.#rows.rowOf(entry);
    if (row >= 0) this.#list.reveal(row, where);
    this.#list.refresh();
    if (entry.pending) void this.#chooseDescribed(entry, soon);
    else this.selected.emit({ entry, soon });
  }

  /** Reports a chosen entry once its key is known, unless another one was chosen meanwhile. */
  async #chooseDescribed({ parent, index }: Entry, soon: boolean): Promise<void> {
    try {
      await parent?.ensure(index, index + 1, { signal: this.#closed.signal });
    } catch {
      return;
    }
    const entry = parent?.child(index);
    if (entry === undefined || !isSame(entry, this.#current)) return;
    this.#current = entry;
    this.#list.refreshSoon();
    this.selected.emit({ entry, soon });
  }

  async #unfold(entry: Entry): Promise<void> {
    if (this.#unfolding.has(entry) || this.#rows.isOpen(entry)) return;
    const controller = new AbortController();
    this.#unfolding.set(entry, controller);
    this.#failures.delete(entry);
    this.#list.refreshSoon();
    try {
      await entry.load({ signal: controller.signal });
      controller.signal.throwIfAborted();
      if (entry.foldable) this.#rows.open(entry);
    } catch (error) {
      if (!isAbort(error, controller.signal)) this.#failures.set(entry, failureOf(error));
    } finally {
      this.#unfolding.delete(entry);
      if (!this.#closed.signal.aborted) this.#list.refresh();
    }
  }

  #fold(entry: Entry): void {
    this.#unfolding.get(entry)?.abort();
    for (const [other, controller] of this.#unfolding) {
      if (isBelow(other, entry)) controller.abort();
    }
    this.#rows.fold(entry);
    if (isBelow(this.#current, entry)) this.#choose(entry, false);
    this.#list.refresh();
  }

  #toggle(entry: Entry): void {
    if (this.#rows.isOpen(entry) || this.#unfolding.has(entry)) this.#fold(entry);
    else if (entry.foldable !== false) void this.#unfold(entry);
  }

  #pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const entry = this.#current;
    const row = this.#rows.rowOf(entry);
    const last = this.#rows.count - 1;
    const go = (to: number): void => this.#choose(this.#rows.entryAt(Math.max(0, Math.min(last, to))), true);
    switch (event.key) {
      case "ArrowDown":
        go(row + 1);
        break;
      case "ArrowUp":
        go(row - 1);
        break;
      case "PageDown":
        go(row + this.#list.page);
        break;
      case "PageUp":
        go(row - this.#list.page);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(last);
        break;
      case "ArrowRight":
        if (this.#rows.isOpen(entry)) go(row + 1);
        else if (entry.foldable !== false) void this.#unfold(entry);
        break;
      case "ArrowLeft":
        if (this.#rows.isOpen(entry) || this.#unfolding.has(entry)) this.#fold(entry);
        else if (entry.parent !== undefined) this.#choose(entry.parent, true);
        break;
      case "Enter":
      case " ":
        this.#toggle(entry);
        this.selected.emit({ entry, soon: false });
        break;
      case "Escape":
        if (this.#unfolding.size === 0) return;
        for (const controller of this.#unfolding.values()) controller.abort();
        break;
      default:
        if (event.key.length !== 1 || event.key === "/" || event.key === "?") return;
        void this.#searchTyped(event.key);
    }
    event.preventDefault();
  }

  /** Goes to the next sibling whose key begins with the typed letters. */
  async #searchTyped(letter: string): Promise<void> {
    const { parent } = this.#current;
    if (parent === undefined) return;
    try {
      const found = await this.#keySearch.type(letter, this.#current);
      if (found !== undefined) this.#choose(found, true);
    } catch (error) {
      this.#failures.set(parent, failureOf(error));
      this.refresh();
    }
  }

  #entryUnder(event: MouseEvent): Entry | undefined {
    const row = (event.target as Element).closest<HTMLElement>("[data-row]");
    const index = Number(row?.dataset.row);
    return row === null || !(index < this.#rows.count) ? undefined : this.#rows.entryAt(index);
  }

  #clicked(event: MouseEvent): void {
    const entry = this.#entryUnder(event);
    if (entry === undefined) return;
    this.focus();
    const onTwisty = (event.target as Element).closest(".twisty") !== null;
    const again = entry === this.#current || isSame(entry, this.#current);
    if (!again || !onTwisty) this.#choose(entry, false);
    if (onTwisty || again || !this.#rows.isOpen(entry)) {
      if (onTwisty || entry.foldable !== undefined || again) this.#toggle(entry);
    }
  }

  /** Loads keys and descriptions of the rows in view. @returns whether there were any to load */
  async #describe(first: number, last: number): Promise<boolean> {
    const { signal } = this.#closed;
    const pending = new Map<Entry, { from: number; to: number }>();
    const end = Math.min(last + MARGIN, this.#rows.count);
    for (let row = Math.max(0, first - MARGIN); row < end; row++) {
      const entry = this.#rows.entryAt(row);
      if (!entry.pending || entry.parent === undefined || this.#failures.has(entry.parent)) continue;
      const range = pending.get(entry.parent);
      pending.set(entry.parent, { from: range?.from ?? entry.index, to: entry.index + 1 });
    }
    if (pending.size === 0) return false;
    const work = [...pending].map(([parent, { from, to }]) =>
      parent.ensure(from, to, { signal }).catch((error: unknown) => this.#failed(parent, error, signal)),
    );
    await Promise.all(work);
    if (!signal.aborted) this.#list.refreshSoon();
    return true;
  }

  /** Reads the small values in view, after the view has not moved for a while. */
  #peekSoon(first: number, last: number): void {
    clearTimeout(this.#peekTimer);
    if (this.#closed.signal.aborted) return;
    this.#peekTimer = setTimeout(() => void this.#peek(first, last), PEEK_AFTER_MS);
  }

  async #peek(first: number, last: number): Promise<void> {
    this.#peeking?.abort();
    const controller = new AbortController();
    this.#peeking = controller;
    const { signal } = controller;
    // The refresh after it asks for the values.
    if (await this.#describe(first, last)) return;
    const work: Promise<unknown>[] = [];
    /** Items in view that were not read, for each list of blocks. */
    const items = new Map<Entry, { from: number; to: number }>();
    for (let row = first; row < Math.min(last, this.#rows.count); row++) {
      const entry = this.#rows.entryAt(row);
      if (entry.pending || entry.content !== undefined || this.#failures.has(entry)) continue;
      const { outline, parent } = entry;
      if (outline === undefined && parent?.blocked) {
        const range = items.get(parent);
        items.set(parent, { from: range?.from ?? entry.index, to: entry.index + 1 });
      } else if (outline?.kind === "value" && entry.bytes! <= PEEK_BYTES) {
        work.push(entry.load({ signal }).catch((error: unknown) => this.#failed(entry, error, signal)));
      }
    }
    for (const [list, { from, to }] of items) {
      work.push(
        list.loadItems(from, to, { signal }).catch((error: unknown) => this.#failed(list, error, signal)),
      );
    }
    if (work.length === 0) return;
    await Promise.all(work);
    if (!signal.aborted) this.#list.refresh();
  }

  #failed(entry: Entry, error: unknown, signal: AbortSignal): void {
    if (!isAbort(error, signal)) this.#failures.set(entry, failureOf(error));
  }

  #render(index: number, row: HTMLElement): void {
    const entry = this.#rows.entryAt(index);
    const open = this.#rows.isOpen(entry);
    const busy = this.#unfolding.has(entry);
    const { foldable } = entry;
    const chosen = isSame(entry, this.#current);
    const [twisty, key, shown, bytes] = row.children as unknown as [
      HTMLElement,
      HTMLElement,
      HTMLElement,
      HTMLElement,
    ];
    const depth = entry.depth;
    if (depth > this.#deepest) {
      this.#deepest = depth;
      // Rows become wider than the pane, which scrolls sideways then.
      this.element.style.setProperty("--deepest", String(depth));
    }
    row.id = `row-${index}`;
    row.dataset.row = String(index);
    row.style.setProperty("--depth", String(depth));
    row.className = `row${chosen ? " chosen" : ""}${busy ? " busy" : ""}`;
    setAttributes(row, {
      role: "treeitem",
      "aria-level": depth + 1,
      "aria-setsize": entry.parent?.size ?? 1,
      "aria-posinset": entry.index + 1,
      "aria-selected": chosen ? "true" : "false",
      "aria-expanded": foldable === false ? undefined : open ? "true" : "false",
      "aria-busy": busy || entry.pending ? "true" : undefined,
    });
    twisty.className = `twisty ${open ? "open" : foldable === undefined ? "unread" : foldable ? "closed" : "none"}`;
    const name = entry.pending ? "…" : shownKey(keyText(entry.key));
    key.className = typeof entry.key === "string" ? "key" : "key index";
    key.textContent = name === "" ? '""' : name;
    key.title = entry.pending ? "" : name;
    const failure = this.#failures.get(entry);
    if (failure !== undefined) {
      shown.className = "shown failed";
      fill(shown, `${failure.title} `, el("code", {}, failure.code));
      shown.title = failure.message;
    } else {
      shown.className = "shown";
      shown.title = "";
      fill(shown, ...this.#shown(entry, open));
    }
    bytes.textContent = entry.bytes === undefined ? "" : size(entry.bytes);
    if (chosen) this.element.setAttribute("aria-activedescendant", row.id);
  }

  #shown(entry: Entry, open: boolean): (HTMLElement | string)[] {
    const { content, outline } = entry;
    if (content !== undefined) {
      const tokens = preview(content.value);
      // The entries of an unfolded container are rows of their own.
      return tokenNodes(
        open ? tokens.filter(({ kind }) => kind === "mark" || kind === "type").slice(0, 2) : tokens,
      );
    }
    switch (outline?.kind) {
      case "map":
        return tokenNodes([token("mark", `{${count(outline.count ?? 0)}}`)]);
      case "list":
      case "blocked":
        return tokenNodes([token("mark", `[${count(outline.count ?? 0)}]`)]);
      case "archive":
        return tokenNodes([token("type", "archive")]);
      default:
        return outline === undefined ? [el("span", "pending")] : [];
    }
  }
}

function createRow(): HTMLElement {
  return el(
    "div",
    "row",
    el("span", "twisty", icon("chevron")),
    el("bdi", "key"),
    el("span", "shown"),
    el("span", "bytes"),
  );
}

function isSame(one: Entry, other: Entry): boolean {
  if (one === other) return true;
  return (
    one.parent !== undefined &&
    other.parent !== undefined &&
    one.index === other.index &&
    isSame(one.parent, other.parent)
  );
}

function isBelow(entry: Entry, above: Entry): boolean {
  for (let at = entry.parent; at !== undefined; at = at.parent) if (isSame(at, above)) return true;
  return false;
}
