import type { Entry } from "../archive/entry.js";
import {
  isPattern,
  isPlainSegment,
  pathText,
  quoted,
  type TypedSegment,
  typedSegments,
} from "../archive/segments.js";
import type { Query } from "../share/link.js";
import { el, fill, setAttributes } from "../ui/dom.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { type Completion, complete, completeBelow, type Suggestion } from "./completion.js";
import { jsonPathParts } from "./jsonpath-parts.js";

export interface BarActions {
  go(path: readonly TypedSegment[], text: string): void;
  query(query: Query): void;
  /** The focus leaves the bar. */
  leave(): void;
}

/** What has been typed: the finished segments, and the one that is being typed. */
interface Typed {
  readonly form: "path" | "pointer" | "jsonpath";
  /** The text before the last segment. */
  readonly above: string;
  /** Undefined where the segments cannot be followed in the table. */
  readonly segments: readonly TypedSegment[] | undefined;
  readonly typed: string;
  /** Whether a key of anything below the segments is being typed: after "..". */
  readonly descends?: boolean;
  /** Whether a filter is being typed, in which there is no `*`. */
  readonly filters?: boolean;
}

/** An input for paths, patterns, JSONPath, and texts that keys contain. Completes keys from the table of contents. */
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
  /** The text that suggestions are for. */
  #lookedAt: string | undefined;
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
        placeholder:
          "A path, a pattern (entries/*/energy), JSONPath ($..energy), or a text to search keys for",
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

  async #look(): Promise<void> {
    this.#looking?.abort();
    const controller = new AbortController();
    this.#looking = controller;
    const text = this.#input.value;
    const { segments, typed, descends, filters } = partsOf(text);
    let completion: Completion | undefined;
    if (text !== this.#lookedAt) {
      // What was suggested for another text must neither be shown nor accepted.
      this.#lookedAt = text;
      this.#suggestions = [];
      this.#mark(-1);
      fill(this.#options);
      fill(this.#note, el("span", { text: "Looking for keys …" }), this.#hints());
    }
    try {
      const find = descends ? completeBelow : complete;
      if (segments !== undefined) completion = await find(this.#root, segments, typed, controller.signal);
    } catch {
      // What is said below holds for keys that could not be loaded too.
    }
    if (controller.signal.aborted || document.activeElement !== this.#input) return;
    completion ??= { suggestions: [], unread: undefined, searched: 0, of: 0 };
    this.#suggestions = filters
      ? completion.suggestions.filter(({ entry }) => entry !== undefined)
      : completion.suggestions;
    this.#mark(-1);
    fill(this.#options, ...this.#suggestions.map((suggestion, i) => this.#option(suggestion, i)));
    fill(
      this.#note,
      el("span", { text: noteOf(completion, this.#root.paged) }),
      isSearchable(text) &&
        el("button", {
          class: "text-button",
          text: `Search all keys for “${text.trim()}”`,
          attributes: { type: "button", tabindex: -1 },
          on: { click: () => this.#search() },
        }),
      this.#hints(),
    );
    this.#popup.hidden = false;
    setAttributes(this.#input, { "aria-expanded": "true" });
  }

  #hints(): HTMLElement {
    const text = this.#input.value;
    return el(
      "span",
      "bar-hints",
      el("kbd", { text: "Tab" }),
      " complete  ",
      el("kbd", { text: "Enter" }),
      isPattern(text) ? " select" : text.startsWith("$") ? " query" : " go",
      ...(isSearchable(text) ? ["  ", el("kbd", { text: "Shift Enter" }), " search keys"] : []),
    );
  }

  #search(): void {
    const text = this.#input.value.trim();
    this.#shut();
    if (text !== "") this.#actions.query({ kind: "keys", text });
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
    const { form, above, segments = [], descends } = partsOf(this.#input.value);
    const { text, entry } = suggestion;
    const deeper = on && (entry === undefined || entry.foldable !== false);
    const names = [...segments.map((segment) => segment.text), text];
    this.#input.value =
      form === "jsonpath"
        ? `${above}${entry === undefined ? "[*]" : descends ? `..${memberText(text).replace(/^\./, "")}` : memberText(text)}`
        : form === "pointer" || !(entry === undefined || isPlainSegment(text) || isPattern(above))
          ? `${/^\//.test(pathText(names)) ? "" : "/"}${pathText(names)}${deeper ? "/" : ""}`
          : `${above}${entry === undefined ? text : isPattern(above) ? quoted(text) : text}${deeper ? "/" : ""}`;
    this.#input.setSelectionRange(this.#input.value.length, this.#input.value.length);
    if (on) void this.#look();
  }

  #run(): void {
    const typed = this.#input.value;
    // In a JSON Pointer, a slash at the end is an empty key, and blanks are part of a key.
    const text = typed.startsWith("/") ? typed : typed.trim().replace(/\/+$/, "");
    this.#shut();
    this.#input.value = text;
    if (/^\$($|[.[])/.test(text)) this.#actions.query({ kind: "jsonpath", text });
    else if (isPattern(text)) this.#actions.query({ kind: "select", text });
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
        if (event.shiftKey) {
          this.#search();
          break;
        }
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

/** Whether a text may be part of a key, and not a query or a path. */
function isSearchable(text: string): boolean {
  return text.trim() !== "" && !isPattern(text) && !/^[$/[]/.test(text);
}

/** Says what was looked at: nothing more is known. */
function noteOf({ suggestions, unread, searched, of, opened }: Completion, paged: boolean): string {
  if (unread !== undefined) {
    return `The keys are in a value${unread.bytes === undefined ? "" : ` of ${size(unread.bytes)}`} that was not read yet.`;
  }
  if (of === 0) return "No keys are suggested here.";
  if (opened) {
    const names = `the ${count(of)} keys that were opened so far`;
    return suggestions.length === 0 ? `Not among ${names}.` : `From ${names}: no request.`;
  }
  const looked =
    searched < of
      ? `the first ${count(searched)} of ${count(of)} keys at this level`
      : `the ${count(of)} keys at this level`;
  if (suggestions.length === 0) return `Not among ${looked}.`;
  return `From ${looked}${paged ? "." : ": no request."}`;
}

/** Splits a text into the finished segments and the one that is being typed. */
function partsOf(text: string): Typed {
  if (text.startsWith("$")) return { form: "jsonpath", ...jsonPathParts(text) };
  if (text.startsWith("/")) {
    const cut = text.lastIndexOf("/");
    const segments = typedSegments(text.slice(0, cut));
    const typed = text
      .slice(cut + 1)
      .replaceAll("~1", "/")
      .replaceAll("~0", "~");
    return { form: "pointer", above: text.slice(0, cut + 1), segments, typed };
  }
  const quotes = [...text.matchAll(/"(?:[^"\\]|\\.)*"?/g)].at(-1);
  const inQuotes = quotes !== undefined && quotes.index + quotes[0].length === text.length;
  const cut = inQuotes ? quotes.index : text.lastIndexOf("/") + 1;
  const above = text.slice(0, cut);
  const typed = typedSegments(text.slice(cut))[0]?.text ?? "";
  return { form: "path", above, segments: typedSegments(above), typed };
}

/** A member in JSONPath. */
function memberText(name: string): string {
  if (/^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(name)) return `.${name}`;
  return `['${name.replace(/['\\]/g, "\\$&")}']`;
}
