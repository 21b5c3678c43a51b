import type { Value } from "@peekpack/core";
import { shortJson } from "./json-text.js";

/**
 * A key in one line. Text stands as it is; what could be mistaken (empty, with a `/` or a quote, like a number, with
 * blanks at an end or characters that a terminal obeys) and what is no text stands as `--path-json` takes it.
 */
export function keyLabel(key: unknown): string {
  if (typeof key !== "string") return shortJson(key as Value, { tagged: true });
  const plain = !/^$|[/"\p{Cc}\u2028\u2029\ufeff]|^\s|\s$|^[-\d[{]|^(true|false|null)$/u.test(key);
  return plain
    ? key
    : JSON.stringify(key).replace(
        /[\u007f-\u009f\u2028\u2029\ufeff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
}
