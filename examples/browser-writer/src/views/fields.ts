import { el } from "@peekpack/explorer/ui/dom";

export interface Field {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly value: string;
}

/** A labelled line to type into. */
export function field(
  label: string,
  attributes: Readonly<Record<string, string | boolean>>,
  hint?: string,
): Field {
  const input = el("input", {
    class: "field",
    attributes: {
      type: "text",
      spellcheck: "false",
      autocapitalize: "off",
      autocorrect: "off",
      autocomplete: "off",
      ...attributes,
    },
  });
  // What is wrong is said until something else is typed.
  input.addEventListener("input", () => input.setCustomValidity(""));
  const element = el(
    "label",
    "labelled",
    el("span", { class: "label", text: label }),
    input,
    hint !== undefined && el("span", { class: "hint", text: hint }),
  );
  return {
    element,
    input,
    get value() {
      return input.value.trim();
    },
  };
}

export interface Choice<Name extends string> {
  readonly element: HTMLElement;
  readonly value: Name;
}

/** A labelled choice of a few. */
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
