import type { Value } from "@peekpack/core";
import { shortJson } from "@peekpack/core/tagged";

/**
 * A key in one line. Most texts are shown as they are. A key that is not a text is shown as `--path-json` takes it, and so
 * is an ambiguous text: one that is empty, looks like a number, contains `/` or a quote, begins or ends with a blank, or
 * contains characters that terminals obey.
 */
export function keyLabel(key: unknown): string {
  if (typeof key !== "string") return shortJson(key as Value, { tagged: true });
  const plain =
    !/^$|[/"\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|^\s|\s$|^[-\d[{]|^(true|false|null)$/u.test(
      key,
    );
  return plain
    ? key
    : JSON.stringify(key).replace(
        /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
}

/** A path in one line. Segments that PATH would take as they are, indices among them, are not quoted. */
export function pathLabel(path: readonly unknown[]): string {
  return path
    .map((key) => (typeof key === "string" && /^-?\d[\d:-]*$/.test(key) ? key : keyLabel(key)))
    .join("/");
}
