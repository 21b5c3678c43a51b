import { el } from "@peekpack/explorer/ui/dom";

export interface Choice<Name extends string> {
  readonly element: HTMLElement;
  readonly value: Name;
}

/** A select field with a label. */
export function choice<Name extends string>(
  label: string,
  name: string,
  options: readonly (readonly [value: Name, text: string])[],
): Choice<Name> {
  const select = el(
    "select",
    { class: "field", attributes: { name } },
    ...options.map(([value, text]) => el("option", { text, attributes: { value } })),
  );
  return {
    element: el("label", "labelled", el("span", { class: "label", text: label }), select),
    get value() {
      return select.value as Name;
    },
  };
}
