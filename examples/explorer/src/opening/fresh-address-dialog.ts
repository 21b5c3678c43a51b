import { el } from "../ui/dom.js";
import { field } from "../ui/fields.js";

/**
 * Asks for a fresh address of an object whose presigned URL the server refuses.
 * @param url the address without its query
 * @returns undefined if the dialog is closed without one
 */
export function askForFreshAddress(url: string): Promise<string | undefined> {
  const { pathname } = new URL(url);
  const address = field("Fresh address", {
    type: "url",
    name: "fresh-url",
    required: true,
    placeholder: `${url}?…`,
    inputmode: "url",
  });
  const { input } = address;
  let given: string | undefined;
  const take = (event: Event): void => {
    event.preventDefault();
    const typed = URL.canParse(address.value) ? new URL(address.value) : undefined;
    const valid = typed !== undefined && /^https?:$/.test(typed.protocol);
    input.setCustomValidity(
      !valid
        ? "An address begins with https:// or http://"
        : typed.pathname.endsWith(pathname) || pathname.endsWith(typed.pathname)
          ? ""
          : `This is the address of another object. Wanted is ${pathname}`,
    );
    if (!input.reportValidity()) return;
    given = typed!.href;
    dialog.close();
  };
  const dialog = el(
    "dialog",
    { class: "dialog", attributes: { "aria-labelledby": "fresh-title" } },
    el(
      "form",
      { class: "dialog-body", attributes: { autocomplete: "off", novalidate: true }, on: { submit: take } },
      el("h2", { text: "The server refuses this address", attributes: { id: "fresh-title" } }),
      el("p", {
        text: "A presigned URL is valid for a limited time, and this one has probably expired. Paste a fresh one for the same object: reading then goes on where it stopped.",
      }),
      address.element,
      el(
        "div",
        "dialog-foot",
        el("button", {
          class: "button quiet",
          text: "Cancel",
          attributes: { type: "button" },
          on: { click: () => dialog.close() },
        }),
        el("button", { class: "button primary", text: "Go on", attributes: { type: "submit" } }),
      ),
    ),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
