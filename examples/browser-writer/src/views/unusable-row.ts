import { el, fill } from "@peekpack/explorer/ui/dom";
import { failureNotice } from "@peekpack/explorer/ui/notice";
import type { PutMode } from "@peekpack/s3";
import { discardUpload, type PendingUpload } from "@peekpack/web-storage";
import { failureOf } from "../write/failure.js";
import { rowButton, uploadRow } from "./upload-row.js";

/** An upload whose records this version can read. */
export type UsableUpload = PendingUpload & {
  readonly target: string;
  readonly put: PutMode;
  readonly begun: Date;
  readonly state: "unfinished" | "sealed" | "uploading" | "committing";
};

export function isUsable(pending: PendingUpload): pending is UsableUpload {
  return pending.problem === undefined && pending.target !== undefined;
}

/** One upload that can only be discarded, or is kept for another version. */
export function unusableRow(pending: PendingUpload, discarded: (text: string) => void): HTMLElement {
  const more = el("div", "pending-more");
  const discard = async (): Promise<void> => {
    try {
      await discardUpload(pending);
      discarded("The damaged upload was discarded.");
    } catch (error) {
      fill(more, failureNotice(failureOf(error)));
    }
  };
  const text =
    pending.state === "damaged"
      ? `This upload cannot be continued: ${pending.problem}. Parts on a server stay there until its own rules remove them.`
      : `Another version of this page made this upload: ${pending.problem}. It is kept for that version.`;
  return uploadRow(pending, {
    what: [
      el("p", "pending-title", el("span", { class: "badge wrong", text: pending.state })),
      el("p", { class: "pending-words", text }),
    ],
    actions: pending.state === "damaged" && [
      rowButton({ text: "Discard", label: "Discard the damaged upload", icon: "discard", go: discard }),
    ],
    below: [more],
  });
}
