import { addressText, type PublicAddress } from "../archive/address.js";
import { el } from "../ui/dom.js";
import { icon } from "../ui/icons.js";

/** Shows the link to the current value, and says what it does not contain. */
export function shareDialog(
  address: PublicAddress,
  link: string,
  say: (text: string) => void,
): HTMLDialogElement {
  const field = el("input", {
    class: "field",
    attributes: { type: "text", readonly: true, value: link, "aria-label": "Link", spellcheck: "false" },
    on: { focus: () => field.select() },
  });
  const dialog = el(
    "dialog",
    { class: "dialog", attributes: { "aria-labelledby": "share-title" } },
    el(
      "form",
      { class: "dialog-body", attributes: { method: "dialog" } },
      el("h2", { text: titleOf(address), attributes: { id: "share-title" } }),
      ...textOf(address).map((text) => el("p", { text })),
      address.kind !== "file" &&
        el(
          "div",
          "field-row",
          field,
          el(
            "button",
            {
              class: "button primary",
              attributes: { type: "button" },
              on: {
                click: () =>
                  navigator.clipboard.writeText(link).then(
                    () => {
                      say("The link was copied.");
                      dialog.close();
                    },
                    () => field.select(),
                  ),
              },
            },
            icon("copy"),
            "Copy",
          ),
        ),
      el("div", "dialog-foot", el("button", { class: "button quiet", text: "Close" })),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (address.kind !== "file") field.focus();
  return dialog;
}

function titleOf(address: PublicAddress): string {
  if (address.kind === "file") return "A file cannot be shared by a link";
  if (address.kind === "url" && address.cut) return "A presigned URL is not shareable";
  return "Link to this value";
}

function textOf(address: PublicAddress): string[] {
  switch (address.kind) {
    case "file":
      return ["It exists on this computer only. Put it where others can reach it, and open it from there."];
    case "demo":
      return ["It opens the same generated data at the same path."];
    case "url":
      return address.cut
        ? [
            "The address that you opened has a query string, as presigned URLs do. It may grant access, so that neither the page's address nor this link contains it.",
            `The link below names ${addressText(address)} and the path. It asks its readers for an address of their own.`,
          ]
        : [`It opens ${addressText(address)} at the same path, for everyone who can read it there.`];
    case "s3":
      return [
        address.signed
          ? `It names ${addressText(address)} and the path. It does not contain your credentials, and asks its readers for their own.`
          : `It opens ${addressText(address)} at the same path, for everyone who may read it without credentials.`,
      ];
  }
}
