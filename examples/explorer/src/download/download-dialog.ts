import { el } from "../ui/dom.js";
import { field } from "../ui/fields.js";
import { size } from "../ui/format.js";
import type { Format } from "./formats.js";

/** What can be downloaded, as a dialog shows it. */
export interface DownloadChoice<Scope extends string> {
  readonly title: string;
  readonly formats: readonly Format[];
  /** Encoded bytes, if they are known. */
  readonly bytes: number | undefined;
  /** What may be downloaded, if there is more than one answer. The first one is chosen. */
  readonly scopes?: readonly { readonly name: Scope; readonly label: string }[] | undefined;
}

/** Asks for a format. Closes when one is chosen. */
export function downloadDialog<Scope extends string>(
  { title, formats, bytes, scopes = [] }: DownloadChoice<Scope>,
  start: (format: Format, columns: readonly string[] | undefined, scope: Scope | undefined) => void,
): void {
  const columns = field(
    "Columns",
    { placeholder: "all", name: "columns" },
    "For CSV and Arrow: names, separated by commas.",
  );
  const hasTable = formats.some(({ name }) => name === "csv");
  const radios = scopes.map(({ name, label }, i) => {
    const input = el("input", {
      attributes: { type: "radio", name: "scope", value: name, checked: i === 0 },
    });
    return { name, input, element: el("label", "download-scope", input, label) };
  });
  const choose = (format: Format): void => {
    const names = columns.value === "" ? undefined : columns.value.split(",").map((name) => name.trim());
    const scope = radios.find(({ input }) => input.checked)?.name;
    dialog.close();
    start(format, names, scope);
  };
  const dialog: HTMLDialogElement = el(
    "dialog",
    {
      class: "dialog",
      attributes: { "aria-labelledby": "download-title" },
      on: { close: () => dialog.remove() },
    },
    el(
      "form",
      { class: "dialog-body", attributes: { method: "dialog" } },
      el("h2", { text: title, attributes: { id: "download-title" } }),
      bytes !== undefined &&
        el("p", {
          text: `It has ${size(bytes)} in the archive. It is read while it is written, and can be cancelled.`,
        }),
      radios.length > 0 && el("div", "download-scopes", ...radios.map(({ element }) => element)),
      el(
        "div",
        "download-formats",
        ...formats.map((format) =>
          el(
            "button",
            {
              class: "download-format",
              attributes: { type: "button", "data-format": format.name },
              on: { click: () => choose(format) },
            },
            el("strong", { text: format.label }),
            el("span", { class: "hint", text: format.about }),
          ),
        ),
      ),
      hasTable && columns.element,
      el("div", "dialog-foot", el("button", { class: "button quiet", text: "Close" })),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
