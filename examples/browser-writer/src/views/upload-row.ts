import { type Child, el } from "@peekpack/explorer/ui/dom";
import type { PendingUpload } from "@peekpack/web-storage";
import { type IconName, icon } from "../ui/icons.js";

/** What a row of the list of pending uploads shows. */
export interface UploadRow {
  /** Title and words. */
  readonly what: readonly Child[];
  /** Buttons. An upload of another tab has none. */
  readonly actions: readonly Child[] | false;
  /** What follows under title and buttons. */
  readonly below: readonly Child[];
}

/** One row of the list of pending uploads. */
export function uploadRow(
  { state, active }: Pick<PendingUpload, "state" | "active">,
  { what, actions, below }: UploadRow,
): HTMLElement {
  return el(
    "li",
    { class: "pending-row", attributes: { "data-state": active ? "active" : state } },
    el(
      "div",
      "pending-main",
      el("div", "pending-what", ...what),
      !active && actions !== false && el("div", "pending-actions", ...actions),
    ),
    ...below,
  );
}

/** A button of such a row. The label tells assistive technology which upload it is for. */
export function rowButton(button: {
  readonly text: string;
  readonly label: string;
  readonly look?: string;
  readonly icon: IconName;
  go(): unknown;
}): HTMLElement {
  return el(
    "button",
    {
      class: `button ${button.look ?? ""}`,
      attributes: { type: "button", "aria-label": button.label },
      on: { click: () => void button.go() },
    },
    icon(button.icon),
    button.text,
  );
}
