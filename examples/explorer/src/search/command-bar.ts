import type { Entry } from "../archive/entry.js";
import { isPattern, quoted, type TypedSegment, typedSegments } from "../archive/segments.js";
import { el, fill, setAttributes } from "../ui/dom.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { type Completion, complete, type Suggestion } from "./completion.js";

export interface BarActions {
  go(path: readonly TypedSegment[], text: string): void;
  select(pattern: string): void;
  /** The focus leaves the bar. */
  leave(): void;
}

/** An input for paths and patterns. Completes keys from the table of contents. */
export class CommandBar {
  readonly element: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #popup: HTMLElement;
  readonly #options: HTMLElement;
  readonly #note: HTMLElement;
  readonly #actions: BarActions;
  readonly #root: Entry;
  #suggestions: readonly Suggestion[] = [];
  #marked = -1;
  #fresh = false;
  #looking: AbortController | undefined;

  constructor(root: Entry, actions: BarActions) {
    this.#root = root;
    this.#actions = actions;
    this.#input = el("input", {
      class: "bar-input",
      attributes: {
        type: "text",
        role: "combobox",
        "aria-expanded": "false",
        "aria-controls": "bar-options",
        "aria-autocomplete": "list",
        "aria-label": "Path or pattern",
        placeholder: "Go to a path, or select by a pattern: entries/*/energy",
        autocomplete: "off",
        autocapitalize: "off",
        autocorrect: "off",
        spellcheck: "false",
        enterkeyhint: "go",
      },
      on: {
        input: () => void this.#look(),
        focus: () => {
          this.#fresh = true;
          void this.#look();
        },
        // The first click selects all, as in an address bar. Later ones place the cursor.
        click: () => {
          if (this.#fresh && this.#input.selectionStart === this.#input.selectionEnd) this.#input.select();
          this.#fresh = false;
        },
        keydown: (event) => this.#pressed(event),
        blur: () => this.#shut(),
      },
    });
    this.#options = el("div", {
      class: "bar-options",
      attributes: { role: "listbox", id: "bar-options", "aria-label": "Keys" },
    });
    this.#note = el("div", "bar-note");
    // A pressed mouse button must not take the focus from the input before the click.
    this.#popup = el(
      "div",
      { class: "bar-popup", on: { mousedown: (event) => event.preventDefault() } },
      this.#options,
      this.#note,
    );
    this.#popup.hidden = true;
    this.element = el(
      "div",
      { class: "bar", attributes: { role: "search" } },
      icon("search"),
      this.#input,
      el("kbd", { class: "bar-key", text: "/" }),
      this.#popup,
    );
  }

  focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  /** Shows the current path, unless the input has the focus. */
  set text(path: string) {
    if (document.activeElement !== this.#input) this.#input.value = path;
  }

  #shut(): void {
    this.#looking?.abort();
    this.#popup.hidden = true;
    this.#marked = -1;
    setAttributes(this.#input, { "aria-expanded": "false", "aria-activedescendant": undefined });
  }

  /** Splits the text into the finished segments and the one that is being typed. */
  #parts(): { readonly above: string; readonly segments: TypedSegment[]; readonly typed: string } {
    const text = this.#input.value;
    const quotes = [...text.matchAll(/"(?:[^"\\]|\\.)*"?/g)].at(-1);
    const inQuotes = quotes !== undefined && quotes.index + quotes[0].length === text.length;
    const cut = inQuotes ? quotes.index : text.lastIndexOf("/") + 1;
    const above = text.slice(0, cut);
    return { above, segments: typedSegments(above), typed: typedSegments(text.slice(cut))[0]?.text ?? "" };
  }

  async #look(): Promise<void> {
    this.#looking?.abort();
    const controller = new AbortController();
    this.#looking = controller;
    const { segments, typed } = this.#parts();
    let completion: Completion;
    try {
      completion = await complete(this.#root, segments, typed, controller.signal);
    } catch {
      completion = { suggestions: [], unread: undefined };
    }
    if (controller.signal.aborted || document.activeElement !== this.#input) return;
    this.#suggestions = completion.suggestions;
    this.#mark(-1);
    fill(this.#options, ...this.#suggestions.map((suggestion, i) => this.#option(suggestion, i)));
    const { unread } = completion;
    fill(
      this.#note,
      el("span", {
        text:
          unread !== undefined
            ? `The keys are in a value${unread.bytes === undefined ? "" : ` of ${size(unread.bytes)}`} that was not read yet.`
            : this.#suggestions.length > 0
              ? `Keys from the table of contents${this.#root.paged ? "." : ": no request."}`
              : "No such key.",
      }),
      el(
        "span",
        "bar-hints",
        el("kbd", { text: "Tab" }),
        " complete  ",
        el("kbd", { text: "Enter" }),
        isPattern(this.#input.value) ? " select" : " go",
      ),
    );
    this.#popup.hidden = false;
    setAttributes(this.#input, { "aria-expanded": "true" });
  }

  #option({ text, entry }: Suggestion, i: number): HTMLElement {
    const { outline, bytes } = entry ?? {};
    const about =
      entry === undefined
        ? "every one"
        : outline?.kind === "map"
          ? `{${count(outline.count ?? 0)}}`
          : outline?.kind === "list" || outline?.kind === "blocked"
            ? `[${count(outline.count ?? 0)}]`
            : bytes === undefined
              ? ""
              : size(bytes);
    return el(
      "div",
      {
        class: "bar-option",
        attributes: { role: "option", id: `bar-option-${i}`, "aria-selected": "false" },
        on: { click: () => this.#accept(i, true) },
      },
      el("span", { class: "name", text }),
      el("span", { class: "about", text: about }),
    );
  }

  #mark(index: number): void {
    this.#options.children[this.#marked]?.setAttribute("aria-selected", "false");
    this.#marked = index;
    const option = this.#options.children[index];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    setAttributes(this.#input, { "aria-activedescendant": option?.id });
  }

  /** Replaces the segment that is being typed by a suggestion. `on`: continues with the keys below it. */
  #accept(index: number, on: boolean): void {
    const suggestion = this.#suggestions[index];
    if (suggestion === undefined) return;
    const { above } = this.#parts();
    const { text, entry } = suggestion;
    const deeper = on && (entry === undefined || entry.foldable !== false);
    this.#input.value = `${above}${entry === undefined ? text : quoted(text)}${deeper ? "/" : ""}`;
    this.#input.setSelectionRange(this.#input.value.length, this.#input.value.length);
    if (on) void this.#look();
  }

  #run(): void {
    const text = this.#input.value.trim().replace(/\/+$/, "");
    this.#shut();
    this.#input.value = text;
    if (isPattern(text)) this.#actions.select(text);
    else this.#actions.go(typedSegments(text), text);
  }

  #pressed(event: KeyboardEvent): void {
    const last = this.#suggestions.length - 1;
    switch (event.key) {
      case "ArrowDown":
        this.#mark(this.#marked >= last ? 0 : this.#marked + 1);
        break;
      case "ArrowUp":
        this.#mark(this.#marked <= 0 ? last : this.#marked - 1);
        break;
      case "Tab":
        // Without a suggestion, Tab moves the focus as usual.
        if (event.shiftKey || this.#popup.hidden || last < 0 || this.#input.value === "") return;
        this.#accept(Math.max(0, this.#marked), true);
        break;
      case "Enter":
        if (this.#marked >= 0) this.#accept(this.#marked, false);
        this.#run();
        break;
      case "Escape":
        if (this.#popup.hidden) this.#actions.leave();
        else this.#shut();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
