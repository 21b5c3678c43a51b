import { el } from "./dom.js";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["↑ ↓", "from row to row"],
  ["→", "unfold, or go in"],
  ["←", "fold, or go out"],
  ["Enter", "unfold or fold"],
  ["Home  End", "first, last row"],
  ["A … Z", "the next entry that begins so"],
  ["/", "go to a path, or select"],
  ["Tab", "in the search: complete a key"],
  ["Esc", "stop reading, or go back to the tree"],
  ["?", "this list"],
];

/** Lists what the keyboard does. */
export function shortcutsDialog(): void {
  const dialog = el(
    "dialog",
    { class: "dialog", attributes: { "aria-labelledby": "keys-title" } },
    el(
      "form",
      { class: "dialog-body", attributes: { method: "dialog" } },
      el("h2", { text: "By keyboard", attributes: { id: "keys-title" } }),
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
