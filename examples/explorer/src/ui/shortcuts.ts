import { el } from "./dom.js";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["↑ ↓", "previous, next row"],
  ["→", "unfold, or go to the first entry"],
  ["←", "fold, or go to the container"],
  ["Enter", "unfold or fold"],
  ["Home  End", "first, last row"],
  ["A … Z", "the next entry that begins with the letters"],
  ["/", "go to a path, or select"],
  ["Tab", "in the search: complete a key"],
  ["Esc", "stop reading, or go back to the tree"],
  ["?", "show this list"],
];

/** Shows the list of keyboard shortcuts. */
export function shortcutsDialog(): void {
  const dialog = el(
    "dialog",
    { class: "dialog", attributes: { "aria-labelledby": "keys-title" } },
    el(
      "form",
      { class: "dialog-body", attributes: { method: "dialog" } },
      el("h2", { text: "Keyboard", attributes: { id: "keys-title" } }),
      el(
        "dl",
        "keys",
        ...KEYS.flatMap(([keys, what]) => [
          el("dt", {}, ...keys.split("  ").map((key) => el("kbd", { text: key }))),
          el("dd", { text: what }),
        ]),
      ),
      el("div", "dialog-foot", el("button", { class: "button quiet", text: "Close" })),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
