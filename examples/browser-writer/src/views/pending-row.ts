import { el, fill } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import { failureNotice } from "@peekpack/explorer/ui/notice";
import type { S3Credentials } from "@peekpack/s3";
import { discardUpload, type PartStorage } from "@peekpack/web-storage";
import {
  abandonedTarget,
  type Destination,
  objectLocation,
  objectName,
  openDestination,
  type ParsedLabel,
  parseLabel,
} from "../destination/destination.js";
import { ask } from "../ui/ask.js";
import type { IconName } from "../ui/icons.js";
import { failureOf } from "../write/failure.js";
import { isLost } from "../write/job.js";
import { DestinationChoice } from "./destination-choice.js";
import type { UsableUpload } from "./unusable-row.js";
import { rowButton, uploadRow } from "./upload-row.js";

/** Credentials for an endpoint. They stay in the memory of the page. */
export interface Keyring {
  find(endpoint: string | undefined): Keys | undefined;
}

export interface Keys {
  readonly region: string | undefined;
  readonly credentials: S3Credentials;
}

/** What can be done with a pending upload. */
export interface PendingActions {
  resume(pending: UsableUpload, destination: Destination): void;
  /** An upload was removed. @param text a message about it */
  changed(said: string): void;
}

/** One upload of an earlier page or of another tab. */
export function pendingRow(pending: UsableUpload, keys: Keyring, actions: PendingActions): HTMLElement {
  const name = objectName(pending.target);
  const destination = parseLabel(pending.target);
  const more = el("div", "pending-more");
  const unfinished = pending.state === "unfinished";

  const button = (text: string, look: string, go: () => unknown, icon: IconName): HTMLElement =>
    rowButton({ text, label: `${text} ${name}`, look, go, icon });

  /** Calls `use` with the destination. Asks for keys if the page does not have them. */
  const withDestination = (action: string, use: (destination: Destination) => unknown): void => {
    const known = destination && knownDestination(destination, pending, keys);
    if (known !== undefined) return void use(known);
    if (destination === undefined) return;
    const form = new DestinationChoice({ ...destination, put: pending.put });
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
            text: "If the server or bucket no longer exists, the data in this browser can be removed alone. Parts on a server stay there until its own rules remove them.",
          }),
          button(
            "Remove here only",
            "",
            () => remove(discardUpload(pending, abandonedTarget(pending.target, pending.put))),
            "discard",
          ),
        ),
    );

  const remove = async (removing: Promise<void>): Promise<void> => {
    try {
      await removing;
      actions.changed(`${name} was discarded.`);
    } catch (error) {
      failed(error);
    }
  };

  const discard = async (): Promise<void> => {
    const sure = await ask(
      `Discard ${name}?`,
      unfinished
        ? `${size(pending.bytesSealed)} are removed from this browser. Nothing was sent.`
        : `${size(pending.bytesSealed)} are removed from this browser and from the server.`,
      "Discard",
    );
    if (!sure) return;
    // An incomplete archive was never sent.
    if (unfinished) return remove(discardUpload(pending));
    if (destination === undefined)
      return remove(discardUpload(pending, abandonedTarget(pending.target, pending.put)));
    withDestination("Discard", (to) => remove(discardUpload(pending, openDestination(to).target)));
  };

  return uploadRow(pending, {
    what: [
      el(
        "p",
        "pending-title",
        el("strong", { text: name }),
        el("span", {
          class: `badge ${unfinished && !pending.active ? "wrong" : ""}`,
          text: badge(pending),
        }),
      ),
      el("p", { class: "pending-words", text: words(pending, destination) }),
      el("p", {
        class: "hint",
        text: `${objectLocation(pending.target)} · started ${ago(pending.begun)} · ${storageName(pending.storage)}`,
      }),
    ],
    actions: [
      !unfinished &&
        destination !== undefined &&
        button(
          "Resume",
          "primary",
          () => withDestination("Resume", (to) => actions.resume(pending, to)),
          "play",
        ),
      button("Discard", "", discard, "discard"),
    ],
    below: [!unfinished && sent(pending), more],
  });
}

function sent({ size: whole, bytesUploaded }: UsableUpload): HTMLElement {
  const lit = el("span", "pending-lit");
  lit.style.setProperty("--share", `${whole ? (bytesUploaded / whole) * 100 : 0}%`);
  return el("div", { class: "pending-bar", attributes: { "aria-hidden": "true" } }, lit);
}

function knownDestination(
  destination: ParsedLabel,
  { put }: UsableUpload,
  keys: Keyring,
): Destination | undefined {
  if (destination.kind === "presigned") return { ...destination, put };
  const found = keys.find(destination.endpoint);
  return found && { ...destination, ...found, put };
}

function badge({ state, active }: UsableUpload): string {
  if (active) return "in another tab";
  return {
    unfinished: "unfinished",
    sealed: "not sent",
    uploading: "interrupted",
    committing: "nearly there",
  }[state];
}

function words(pending: UsableUpload, destination: ParsedLabel | undefined): string {
  const { state, active, size: whole = 0, bytesSealed, bytesUploaded, failure } = pending;
  if (active) return "Another tab is uploading it.";
  if (state === "unfinished") {
    return `Its page was closed while it was writing, after ${size(bytesSealed)}. An incomplete archive cannot be continued. Discard it and write it again.`;
  }
  const stopped = failure === undefined || failure === "stopped" ? "" : ` It failed with “${failure}”.`;
  const strange = destination === undefined ? " This page did not make it and cannot resume it." : "";
  const how = {
    sealed: `All ${size(whole)} are in this browser. Nothing was sent yet.`,
    uploading: `${size(bytesUploaded)} of ${size(whole)} are on the server. The rest is in this browser.`,
    committing: `All ${size(whole)} were sent. Resuming finds out whether the archive exists.`,
  }[state];
  return how + stopped + strange;
}

/** The name of a storage. */
export function storageName(storage: PartStorage | undefined): string {
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
