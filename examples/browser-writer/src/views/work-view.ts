import { el, fill, setAttributes } from "@peekpack/explorer/ui/dom";
import { count, duration, size } from "@peekpack/explorer/ui/format";
import { beforeNextFrame } from "@peekpack/explorer/ui/next-frame";
import { failureNotice } from "@peekpack/explorer/ui/notice";
import { objectLocation, objectName } from "../destination/destination.js";
import { ask } from "../ui/ask.js";
import { flowField } from "../ui/flow-field.js";
import { type IconName, icon } from "../ui/icons.js";
import { ProgressBar } from "../ui/progress-bar.js";
import type { Job } from "../write/job.js";
import type { JobState } from "../write/job-state.js";
import { expectedTotal, timeLeft } from "../write/time-estimate.js";
import { storageName } from "./pending-row.js";
import { ResultView } from "./result-view.js";
import { StorageLine } from "./storage-line.js";
import { WaitingView } from "./waiting-view.js";

const ROWS = 6;
const STORAGE_REFRESH_MS = 2000;
const FACTS = ["rate", "time", "parts", "spool"] as const;

/** What the view asks of the page. */
export interface WorkActions {
  /** Goes back to the form. */
  home(said?: string): void;
  say(text: string): void;
}

/** Shows the progress of one archive, with buttons to pause, keep and discard it. */
export class WorkView {
  readonly element: HTMLElement;
  readonly #job: Job;
  readonly #actions: WorkActions;
  readonly #field = flowField(ROWS);
  readonly #title: HTMLElement = el("h1", { class: "work-title", attributes: { tabindex: -1 } });
  readonly #place: HTMLElement = el("p", "work-place");
  readonly #written = new ProgressBar("Written", "kept");
  readonly #uploaded = new ProgressBar("Uploaded", "lit");
  readonly #facts: Readonly<Record<(typeof FACTS)[number], Fact>> = {
    rate: new Fact("Rate"),
    time: new Fact("Time left"),
    parts: new Fact("Parts"),
    spool: new Fact("Spool"),
  };
  readonly #pause = action("pause", "Pause", () => this.#toggle());
  readonly #later = action("later", "Keep for later", () => this.#leave());
  readonly #discard = action("discard", "Discard", () => this.#ask());
  readonly #again = action("up", "Write another", () => this.#actions.home());
  readonly #notice: HTMLElement = el("div", "opening-notice");
  readonly #waiting = new WaitingView(() => this.#job.tryNow());
  readonly #storageLine = new StorageLine();
  /** Announced by screen readers: phases and quarters. */
  readonly #spoken: HTMLElement = el("p", { class: "unseen", attributes: { role: "status" } });
  readonly #unlisten: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #result: ResultView | undefined;
  #said = "";
  #failure: JobState["failure"];

  constructor(job: Job, actions: WorkActions) {
    this.#job = job;
    this.#actions = actions;
    this.element = el(
      "main",
      "opening",
      el(
        "div",
        "work",
        el("header", "work-head", this.#title, this.#place),
        el(
          "section",
          { class: "card", attributes: { "aria-label": "Progress" } },
          this.#notice,
          this.#waiting.element,
          el(
            "div",
            "work-body",
            this.#field.element,
            el(
              "div",
              { class: "key", attributes: { "aria-hidden": "true" } },
              el("span", "key-lit", "on the server"),
              el("span", "key-kept", "in this browser"),
              el("span", "key-cell", "not written yet"),
            ),
            this.#written.element,
            this.#uploaded.element,
            el("dl", "work-facts", ...FACTS.map((name) => this.#facts[name].element)),
            el("div", "work-actions", this.#pause, this.#later, this.#discard, this.#again),
          ),
          this.#storageLine.element,
        ),
        this.#spoken,
      ),
    );
    this.#unlisten = job.changed.listen(beforeNextFrame(() => this.#show()));
    this.#timer = setInterval(() => void this.#storageLine.refresh(), STORAGE_REFRESH_MS);
    this.#show();
  }

  focus(): void {
    this.#title.focus({ preventScroll: true });
  }

  close(): void {
    this.#unlisten();
    clearInterval(this.#timer);
    this.#field.close();
    this.#waiting.close();
  }

  /** P pauses and continues. */
  key(event: KeyboardEvent): void {
    if (event.key.toLowerCase() === "p" && !this.#pause.hidden && !this.#pause.disabled) this.#toggle();
  }

  #toggle(): void {
    const { paused, phase } = this.#job.state;
    if (paused || phase === "failed") this.#job.resume();
    else this.#job.pause();
  }

  async #leave(): Promise<void> {
    await this.#job.leave();
    // It may have ended meanwhile.
    if (this.#job.state.phase !== "done") this.#actions.home("Kept in this browser. Resume it at any time");
  }

  async #ask(): Promise<void> {
    const { produced, kept } = this.#job.state;
    const sure = await ask(
      "Discard this archive?",
      kept
        ? `${size(produced)} are removed from this browser and from the server.`
        : "The data are removed from this browser. Nothing was sent.",
      "Discard",
    );
    if (sure) await this.#job.discard();
  }

  #show(): void {
    const { state } = this.#job;
    const { phase, paused, produced, uploaded, parts, rate, storage, kept, failure, took, waiting } = state;
    if (phase === "discarded") {
      this.#actions.home("Discarded");
      return;
    }
    const total = expectedTotal(state);
    const whole = total || produced || 1;
    const sealed = kept || phase === "done" || phase === "completing";

    this.element.dataset.phase = phase;
    this.#title.textContent = title(state, this.#job);
    this.#place.textContent = objectLocation(this.#job.label);
    document.title = `${shareText(state)}${this.#title.textContent}`;
    this.#field.show({ made: sealed ? 1 : produced / whole, up: uploaded / whole });
    this.#written.show(
      phase === "preparing" ? state.made : sealed ? 1 : produced / whole,
      phase === "preparing"
        ? "reading the file"
        : sealed || total === undefined
          ? size(produced)
          : `${size(produced)} of about ${size(total)}`,
    );
    this.#uploaded.show(
      sealed ? uploaded / whole : 0,
      sealed ? `${size(uploaded)} of ${size(whole)}` : "after the archive is complete",
    );
    const left = timeLeft(state);
    const done = phase === "done";
    const sends = phase === "uploading" && !paused;
    this.#facts.rate.show(rate > 0 || sends ? `${size(Math.round(rate))}/s` : undefined);
    this.#waiting.show(waiting);
    if (done) this.#facts.time.show(duration(took), "Took");
    else this.#facts.time.show(left === undefined ? undefined : duration(Math.max(1000, left)), "Time left");
    this.#facts.parts.show(
      parts.total === undefined ? undefined : `${count(parts.uploaded)} of ${count(parts.total)}`,
    );
    const kind = storage && storageName(storage);
    this.#facts.spool.show(kind && done ? `${kind}, emptied` : kind);

    const stopped = paused || phase === "failed";
    label(
      this.#pause,
      stopped ? "play" : "pause",
      phase === "failed" ? "Try again" : stopped ? "Continue" : "Pause",
    );
    this.#pause.classList.toggle("primary", stopped);
    this.#pause.hidden = phase === "done" || (phase === "failed" && !kept);
    this.#pause.disabled = phase === "completing";
    this.#later.hidden = phase === "done" || !kept;
    this.#later.disabled = phase === "completing";
    this.#discard.hidden = phase === "done" || (phase === "failed" && !kept);
    this.#discard.disabled = phase === "completing";
    this.#again.hidden = !(phase === "done" || (phase === "failed" && !kept));
    if (failure !== this.#failure) {
      this.#failure = failure;
      fill(this.#notice, failure && failureNotice(failure));
      if (failure?.code === "exists" && kept) this.#notice.firstElementChild!.append(this.#otherwise());
    }
    if (phase === "done" && this.#result === undefined) {
      this.#result = new ResultView(this.#job.destination, this.#actions.say);
      this.element.querySelector(".work")!.append(this.#result.element);
    }
    this.#speak(state, whole);
  }

  /** What can be done if the object exists. */
  #otherwise(): HTMLElement {
    return el(
      "div",
      "check-actions",
      action("up", "Write to another key", () => this.#job.useFreeKey()),
      action("done", "Replace it", () => this.#job.replace()),
    );
  }

  #speak({ phase, paused, uploaded, waiting }: JobState, whole: number): void {
    const quarter = Math.floor((uploaded / whole) * 4) * 25;
    const words = paused
      ? "Paused."
      : waiting !== undefined
        ? "Waiting for the network."
        : {
            preparing: "Reading the file.",
            writing: "Writing into this browser's storage.",
            uploading: quarter > 0 && quarter < 100 ? `${quarter} percent uploaded.` : "Uploading.",
            completing: "Completing.",
            done: "Done: the archive is on S3.",
            // The notice says why.
            failed: "",
            discarded: "",
          }[phase];
    if (words === this.#said) return;
    this.#said = words;
    this.#spoken.textContent = words;
    void this.#storageLine.refresh();
  }
}

/** A name with a value. */
class Fact {
  readonly element: HTMLElement;
  readonly #name: HTMLElement;
  readonly #value: HTMLElement = el("dd", { text: "–" });

  constructor(name: string) {
    this.#name = el("dt", { text: name });
    this.element = el("div", "fact", this.#name, this.#value);
  }

  show(value: string | undefined, name?: string): void {
    this.#value.textContent = value ?? "–";
    if (name !== undefined) this.#name.textContent = name;
  }
}

function title({ phase, paused, kept, waiting }: JobState, job: Job): string {
  const name = objectName(job.label);
  if (phase === "done") return `${name} is on S3`;
  if (phase === "failed") return kept ? `${name} has failed` : `${name} was not written`;
  if (paused) return `${name} is paused`;
  if (waiting !== undefined) return `${name} waits for the network`;
  return {
    preparing: `Reading ${job.name}`,
    writing: `Writing ${name}`,
    uploading: `Uploading ${name}`,
    completing: `Completing ${name}`,
    discarded: "",
  }[phase];
}

/** The progress for the title of the tab. */
function shareText(state: JobState): string {
  const { phase, produced, uploaded } = state;
  const total = expectedTotal(state);
  if (total === undefined || (phase !== "writing" && phase !== "uploading")) return "";
  return `${Math.floor(((phase === "writing" ? produced : uploaded) / total) * 100)} % · `;
}

function action(glyph: IconName, text: string, go: () => unknown): HTMLButtonElement {
  const button = el("button", {
    class: "button",
    attributes: { type: "button" },
    on: { click: () => void go() },
  });
  label(button, glyph, text);
  return button;
}

function label(button: HTMLButtonElement, glyph: IconName, text: string): void {
  if (button.textContent === text) return;
  fill(button, icon(glyph), text);
  setAttributes(button, { "aria-keyshortcuts": glyph === "pause" || glyph === "play" ? "P" : undefined });
}
