import { el } from "@peekpack/explorer/ui/dom";

/** Asks for confirmation before data are removed. Resolves to the response. */
export function ask(title: string, text: string, action: string): Promise<boolean> {
  const dialog = el(
    "dialog",
    { class: "dialog", attributes: { "aria-labelledby": "ask-title" } },
    el(
      "form",
      { class: "dialog-body", attributes: { method: "dialog" } },
      el("h2", { text: title, attributes: { id: "ask-title" } }),
      el("p", { text }),
      el(
        "div",
        "dialog-foot",
        el("button", { class: "button quiet", text: "Keep it", attributes: { value: "", autofocus: true } }),
        el("button", { class: "button danger", text: action, attributes: { value: "yes" } }),
      ),
    ),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
