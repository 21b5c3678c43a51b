import { LazyList, LazyMap, type Value } from "@peekpack/core";
import type { Entry } from "../archive/entry.js";
import { failureOf, isAbort } from "../archive/failure.js";
import { columnPattern, keyText } from "../archive/segments.js";
import { copiedText } from "../download/copy-text.js";
import type { SharedView } from "../share/view-state.js";
import { el, fill } from "../ui/dom.js";
import { count, counted, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { askNotice, busyNotice, failureNotice } from "../ui/notice.js";
import { shownKey } from "../ui/shown-text.js";
import { tabs } from "../ui/tabs.js";
import { shapeTokens, textOf } from "./tokens.js";
import {
  type Choice,
  costOf,
  makeView,
  UNASKED_BYTES,
  VIEW_LABELS,
  type ViewName,
  viewsFor,
} from "./value-views.js";
import type { View } from "./view.js";

/** Delay before reading, if further moves may follow at once. */
const READ_DELAY_MS = 140;
/** A read that takes longer is shown as busy. */
const SHOW_BUSY_MS = 160;
/** The largest value that is copied to the clipboard. */
const MAX_COPIED_BYTES = 8 * 1024 * 1024;

export interface PaneActions {
  goTo(entry: Entry): void;
  select(pattern: string): void;
  /** Content was read that other panes show too. */
  read(): void;
  /** Asks for a format, and saves the entry. */
  download(entry: Entry): void;
  say(text: string): void;
}

/** The pane that shows one entry: its path, its kind, and its value. */
export class ValuePane {
  readonly element: HTMLElement;
  readonly #actions: PaneActions;
  readonly #whole: number;
  readonly #shared: SharedView;
  readonly #head: HTMLElement = el("header", "value-head");
  readonly #body: HTMLElement = el("div", {
    class: "value-body",
    attributes: { role: "tabpanel", tabindex: -1 },
  });
  #reading: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #view: View | undefined;
  #entry: Entry | undefined;
  /** The view that was chosen last. It is used for later entries if it suits them. */
  #preferred: ViewName | undefined;

  constructor(whole: number, shared: SharedView, actions: PaneActions) {
    this.#whole = whole;
    this.#shared = shared;
    this.#actions = actions;
    this.element = el(
      "section",
      { class: "value-pane", attributes: { "aria-label": "Value" } },
      this.#head,
      this.#body,
    );
  }

  /** Shows an entry. Reads it if it is small. `soon`: further entries may follow at once. */
  show(entry: Entry, soon: boolean): void {
    this.#reset();
    this.#entry = entry;
    this.#drawHead(entry, undefined);
    if (
      entry.content === undefined &&
      (entry.bytes ?? 0) > UNASKED_BYTES &&
      entry.outline?.kind === "value"
    ) {
      this.#put(
        askNotice(
          "A large value",
          `It takes ${size(entry.bytes!)}. The table of contents does not describe its parts, so that it is read as a whole.`,
          `Read ${size(entry.bytes!)}`,
          () => this.#open(entry),
        ),
      );
      return;
    }
    if (soon && entry.content === undefined) this.#timer = setTimeout(() => this.#open(entry), READ_DELAY_MS);
    else this.#open(entry);
  }

  /** Shows another view instead of an entry. */
  showInstead(view: View): void {
    this.#reset();
    this.#entry = undefined;
    fill(this.#head);
    this.#view = view;
    this.#put(view.element);
  }

  /** Aborts the read. What is shown stays. @returns whether there was a read */
  stop(): boolean {
    if (this.#reading === undefined) return false;
    this.#reading.abort();
    return true;
  }

  focus(): void {
    this.#body.focus({ preventScroll: true });
  }

  close(): void {
    this.#reset();
  }

  #reset(): void {
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#reading = undefined;
    this.#view?.close();
    this.#view = undefined;
  }

  #put(element: HTMLElement): void {
    fill(this.#body, element);
  }

  #open(entry: Entry): void {
    void this.#under(entry, "Reading", async (signal) => {
      if (entry.outline === undefined && entry.parent?.blocked && entry.content === undefined) {
        await entry.parent.loadItems(entry.index, entry.index + 1, { signal });
      }
      await entry.load({ signal });
      const choice = await viewsFor(entry, signal);
      // Something else may be shown meanwhile, under its own head.
      signal.throwIfAborted();
      this.#actions.read();
      // A link says what is shown, else what was chosen last.
      const wanted = [this.#shared.state.tab, this.#preferred];
      const name =
        wanted.flatMap((tab) => choice.names.find((known) => known === tab) ?? [])[0] ?? choice.best;
      await this.#draw(entry, choice, name, signal, false);
    });
  }

  async #draw(
    entry: Entry,
    choice: Choice,
    name: ViewName,
    signal: AbortSignal,
    asked: boolean,
  ): Promise<void> {
    this.#drawHead(entry, { choice, name });
    const cost = costOf(name, entry);
    if (!asked && cost > UNASKED_BYTES) {
      this.#put(
        askNotice(
          name === "plot" || name === "image" ? "Many numbers" : "A large container",
          `To show it as ${name === "text" ? "text" : `a${name === "image" ? "n image" : " plot"}`}, all of it is read: ${size(cost)}.`,
          `Read ${size(cost)}`,
          () =>
            void this.#under(entry, `Reading ${size(cost)}`, (later) =>
              this.#draw(entry, choice, name, later, true),
            ),
        ),
      );
      return;
    }
    const actions = {
      goTo: this.#actions.goTo,
      plot: (column: string) => this.#actions.select(columnPattern(entry.path, column)),
    };
    const view = await makeView(name, entry, {
      actions,
      whole: this.#whole,
      shared: this.#shared,
      room: this.#body.clientWidth,
      signal,
    });
    if (signal.aborted) {
      view.close();
      return;
    }
    this.#view?.close();
    this.#view = view;
    this.#put(view.element);
  }

  /** Does work for an entry. Shows that it is busy, lets it be stopped, and shows its failure. */
  async #under(entry: Entry, text: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#reading?.abort();
    const controller = new AbortController();
    this.#reading = controller;
    const { signal } = controller;
    const busy = setTimeout(() => this.#put(busyNotice(`${text} …`, () => controller.abort())), SHOW_BUSY_MS);
    try {
      await work(signal);
    } catch (error) {
      if (this.#entry !== entry || (this.#reading !== controller && signal.aborted)) return;
      this.#put(
        isAbort(error, signal)
          ? askNotice(
              "Stopped",
              "Bytes that were read stay cached for a while.",
              "Continue",
              () => void this.#under(entry, text, work),
            )
          : failureNotice(failureOf(error), () => void this.#under(entry, text, work)),
      );
    } finally {
      clearTimeout(busy);
      if (this.#reading === controller) this.#reading = undefined;
    }
  }

  #drawHead(entry: Entry, shown: { readonly choice: Choice; readonly name: ViewName } | undefined): void {
    const ancestors: Entry[] = [];
    for (let at: Entry | undefined = entry; at !== undefined; at = at.parent) ancestors.unshift(at);
    const crumbs = el(
      "nav",
      { class: "crumbs", attributes: { "aria-label": "Path" } },
      el(
        "span",
        "crumbs-line",
        ...ancestors.flatMap((at, i) => [
          i > 0 && el("span", { class: "slash", text: "/" }),
          el("button", {
            class: "crumb",
            text: shownKey(keyText(at.key)) || '""',
            attributes: { type: "button", "aria-current": at === entry ? "true" : undefined },
            on: { click: () => this.#actions.goTo(at) },
          }),
        ]),
      ),
    );
    const { bytes, range } = entry;
    fill(
      this.#head,
      crumbs,
      el(
        "div",
        "value-line",
        el("span", { class: "kind", text: kindOf(entry) }),
        bytes !== undefined && el("span", { class: "dim", text: size(bytes) }),
        range !== undefined &&
          el("span", {
            class: "dim place",
            text:
              bytes === undefined
                ? `within ${size(range.end - range.start)} at ${count(range.start)}`
                : `at ${count(range.start)}`,
          }),
        el(
          "span",
          "actions",
          this.#action("link", "Copy the path", () => this.#copyPath(entry)),
          this.#action("copy", "Copy the value as text", () => void this.#copyValue(entry)),
          this.#action("download", "Download", () => this.#actions.download(entry)),
        ),
      ),
      shown !== undefined &&
        shown.choice.names.length > 1 &&
        tabs(
          "Views",
          shown.choice.names.map((name) => ({ name, label: VIEW_LABELS[name] })),
          shown.name,
          (name) => {
            this.#preferred = name;
            this.#shared.replace({});
            this.#shared.update({ tab: name });
            const { choice } = shown;
            const focused = this.#head.contains(document.activeElement);
            void this.#under(entry, "Reading", (signal) => this.#draw(entry, choice, name, signal, false));
            if (focused) this.#head.querySelector<HTMLElement>(`[data-tab="${name}"]`)?.focus();
          },
        ),
    );
  }

  #action(name: "link" | "copy" | "download", label: string, act: () => void): HTMLElement {
    return el(
      "button",
      {
        class: "icon-button",
        attributes: { type: "button", title: label, "aria-label": label },
        on: { click: act },
      },
      icon(name),
    );
  }

  #copy(text: string, done: string): void {
    navigator.clipboard.writeText(text).then(
      () => this.#actions.say(done),
      () => this.#actions.say("The browser did not allow copying."),
    );
  }

  #copyPath(entry: Entry): void {
    const text = entry.pathText;
    const form = text.startsWith("/")
      ? " as a JSON Pointer: pointer(…) in code, --pointer in the command"
      : text.startsWith("[")
        ? " as JSON: --path-json in the command"
        : "";
    this.#copy(text, `The path was copied${form}.`);
  }

  async #copyValue(entry: Entry): Promise<void> {
    const tooLarge = "is too large for the clipboard. Download it.";
    if ((entry.bytes ?? 0) > MAX_COPIED_BYTES) {
      this.#actions.say(`A value of ${size(entry.bytes!)} ${tooLarge}`);
      return;
    }
    try {
      const copied = await copiedText((await entry.load()).value);
      if (copied === undefined) this.#actions.say(`The text of this value ${tooLarge}`);
      else this.#copy(copied.text, `The whole value was copied${copied.as}.`);
    } catch (error) {
      this.#actions.say(failureOf(error).message);
    }
  }
}

/** The kind of an entry, in a few words. */
function kindOf(entry: Entry): string {
  const value = entry.content?.value;
  if (value instanceof LazyMap) return counted(value.size, "entry", "entries");
  if (value instanceof LazyList) return counted(value.length, "item");
  if (value === undefined && entry.content === undefined) {
    switch (entry.outline?.kind) {
      case "map":
        return counted(entry.outline.count ?? 0, "entry", "entries");
      case "list":
      case "blocked":
        return counted(entry.outline.count ?? 0, "item");
      case "archive":
        return "a child archive";
      default:
        return "not read yet";
    }
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return counted(value.length, "item");
  if (value instanceof Uint8Array) return counted(value.length, "byte");
  if (typeof value === "string") return `text of ${counted(value.length, "character")}`;
  if (typeof value === "bigint") return "integer beyond 2^53";
  if (typeof value !== "object") return typeof value;
  if (value instanceof Date) return "instant";
  const shape = textOf(shapeTokens(value as Value));
  if (/^\{/.test(shape)) return counted(entry.size ?? 0, "entry", "entries");
  return shape || value.constructor.name;
}
