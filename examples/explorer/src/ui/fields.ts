import { el } from "./dom.js";

export interface Field {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly value: string;
}

/** A text field with a label. */
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
  // An error message stays until the text changes.
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
