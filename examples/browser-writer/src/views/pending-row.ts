import { el, fill } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import { failureNotice } from "@peekpack/explorer/ui/notice";
import type { S3Credentials } from "@peekpack/s3";
import { discardUpload, type PendingUpload } from "@peekpack/web-storage";
import {
  type Destination,
  forgottenTarget,
  objectName,
  objectPlace,
  openDestination,
  type Recalled,
  recall,
} from "../destination/destination.js";
import { ask } from "../ui/ask.js";
import { icon } from "../ui/icons.js";
import { failureOf } from "../write/failure.js";
import { isLost } from "../write/job.js";
import { DestinationChoice } from "./destination-choice.js";

/** Credentials for an endpoint, as long as the page lives. */
export interface Keyring {
  find(endpoint: string | undefined): Keys | undefined;
}

export interface Keys {
  readonly region: string | undefined;
  readonly credentials: S3Credentials;
}

/** What may be done with what is left. */
export interface PendingActions {
  resume(pending: PendingUpload, destination: Destination): void;
  /** Something is gone. */
  changed(said: string): void;
}

/** One upload that an earlier page has left, or that another tab is at work on. */
export function pendingRow(pending: PendingUpload, keys: Keyring, actions: PendingActions): HTMLElement {
  const name = objectName(pending.target);
  const place = recall(pending.target);
  const more = el("div", "pending-more");
  const unfinished = pending.state === "unfinished";

  const button = (text: string, look: string, go: () => unknown, glyph: SVGSVGElement): HTMLElement =>
    el(
      "button",
      {
        class: `button ${look}`,
        attributes: { type: "button", "aria-label": `${text} ${name}` },
        on: { click: () => void go() },
      },
      glyph,
      text,
    );

  /** Gives the destination to `use`; asks for keys where the page does not have them. */
  const withDestination = (action: string, use: (destination: Destination) => unknown): void => {
    const known = place && knownDestination(place, pending, keys);
    if (known !== undefined) return void use(known);
    if (place === undefined) return;
    const form = new DestinationChoice({ ...place, put: pending.put });
    fill(
      more,
      el(
        "form",
        {
          class: "form pending-form",
          attributes: { autocomplete: "off" },
          on: {
            submit(event) {
              event.preventDefault();
              const destination = form.take();
              if (destination !== undefined) use(destination);
            },
          },
        },
        form.element,
        el("button", { class: "button primary", text: action, attributes: { type: "submit" } }),
      ),
    );
    form.focus();
  };

  const failed = (error: unknown): void =>
    fill(
      more,
      failureNotice(failureOf(error)),
      isLost(error) &&
        el(
          "div",
          "pending-anyway",
          el("p", {
            class: "hint",
            text: "If that server or bucket is no more, what is kept here can be removed alone. Parts that a server still has stay there until its own rules sweep them.",
          }),
          button(
            "Remove here only",
            "",
            () => remove(discardUpload(pending, forgottenTarget(pending.target, pending.put))),
            icon("discard"),
          ),
        ),
    );

  const remove = async (removing: Promise<void>): Promise<void> => {
    try {
      await removing;
      actions.changed(`${name} is discarded.`);
    } catch (error) {
      failed(error);
    }
  };

  const discard = async (): Promise<void> => {
    const sure = await ask(
      `Discard ${name}?`,
      unfinished
        ? `The ${size(pending.bytesSealed)} that were written are removed from this browser.`
        : `${size(pending.bytesSealed)} are removed from this browser, with what the server has of them.`,
      "Discard",
    );
    if (!sure) return;
    // What was never complete was never sent.
    if (unfinished) return remove(discardUpload(pending));
    if (place === undefined)
      return remove(discardUpload(pending, forgottenTarget(pending.target, pending.put)));
    withDestination("Discard", (to) => remove(discardUpload(pending, openDestination(to).target)));
  };

  return el(
    "li",
    { class: "pending-row", attributes: { "data-state": pending.active ? "active" : pending.state } },
    el(
      "div",
      "pending-main",
      el(
        "div",
        "pending-what",
        el(
          "p",
          "pending-title",
          el("strong", { text: name }),
          el("span", {
            class: `badge ${unfinished && !pending.active ? "wrong" : ""}`,
            text: badge(pending),
          }),
        ),
        el("p", { class: "pending-words", text: words(pending, place) }),
        el("p", {
          class: "hint",
          text: `${objectPlace(pending.target)} · begun ${ago(pending.begun)} · ${storageName(pending.storage)}`,
        }),
      ),
      !pending.active &&
        el(
          "div",
          "pending-actions",
          !unfinished &&
            place !== undefined &&
            button(
              "Resume",
              "primary",
              () => withDestination("Resume", (to) => actions.resume(pending, to)),
              icon("play"),
            ),
          button("Discard", "", discard, icon("discard")),
        ),
    ),
    !unfinished && sent(pending),
    more,
  );
}

function sent({ size: whole, bytesUploaded }: PendingUpload): HTMLElement {
  const lit = el("span", "pending-lit");
  lit.style.setProperty("--share", `${whole ? (bytesUploaded / whole) * 100 : 0}%`);
  return el("div", { class: "pending-bar", attributes: { "aria-hidden": "true" } }, lit);
}

function knownDestination(place: Recalled, { put }: PendingUpload, keys: Keyring): Destination | undefined {
  if (place.kind === "presigned") return { ...place, put };
  const found = keys.find(place.endpoint);
  return found && { ...place, ...found, put };
}

function badge({ state, active }: PendingUpload): string {
  if (active) return "in another tab";
  return {
    unfinished: "unfinished",
    sealed: "not sent",
    uploading: "interrupted",
    committing: "nearly there",
  }[state];
}

function words(pending: PendingUpload, place: Recalled | undefined): string {
  const { state, active, size: whole = 0, bytesSealed, bytesUploaded, failure } = pending;
  if (active) return "Another tab is at work on it, and it is left alone.";
  if (state === "unfinished") {
    return `Its page ended while it was writing, after ${size(bytesSealed)}. What has no end cannot be continued: discard it, and write it again.`;
  }
  const stopped = failure === undefined || failure === "stopped" ? "" : ` It had stopped with “${failure}”.`;
  const strange = place === undefined ? " It was not made by this page, which cannot resume it." : "";
  const how = {
    sealed: `All ${size(whole)} are kept here, and nothing was sent yet.`,
    uploading: `${size(bytesUploaded)} of ${size(whole)} are on the server; the rest is kept here.`,
    committing: `All ${size(whole)} were sent. Resuming finds out whether the archive has appeared.`,
  }[state];
  return how + stopped + strange;
}

/** How a storage is called on this page. */
export function storageName(storage: PendingUpload["storage"]): string {
  return storage === "opfs" ? "OPFS" : "IndexedDB";
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function ago(date: Date): string {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (seconds > -60) return "just now";
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}
