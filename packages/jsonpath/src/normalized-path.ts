import { PeekpackError } from "@peekpack/core";

const ESCAPES: { readonly [character: string]: string } = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "'": "\\'",
  "\\": "\\\\",
};
const PLAIN: { readonly [escaped: string]: string } = Object.fromEntries(
  Object.entries(ESCAPES).map(([character, escaped]) => [escaped, character]),
);

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 9535 escapes control characters.
const ESCAPED = /[\u0000-\u001f'\\]/g;
const ANY_ESCAPED = new RegExp(ESCAPED.source);
/** One bracket of a normalized path. */
const BRACKET = /\[(?:(0|[1-9]\d*)|'((?:[^'\\]|\\(?:[btnfr'\\]|u[0-9a-f]{4}))*)')\]/y;

/** The normalized path (RFC 9535, section 2.7) of keys and indices: `["a", 0]` is `$['a'][0]`. */
export function toNormalizedPath(keys: readonly (string | number)[]): string {
  return `$${keys.map(bracket).join("")}`;
}

/** One segment of a normalized path. */
export function bracket(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  // Most names have nothing to escape.
  if (!ANY_ESCAPED.test(key)) return `['${key}']`;
  const escaped = key.replace(
    ESCAPED,
    (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `['${escaped}']`;
}

/**
 * The keys and indices of a normalized path: a path for every method of an archive.
 * @throws PeekpackError `bad-path` if the text is not a normalized path
 */
export function fromNormalizedPath(path: string): (string | number)[] {
  const keys: (string | number)[] = [];
  let at = 1;
  while (at < path.length) {
    BRACKET.lastIndex = at;
    const match = BRACKET.exec(path);
    if (match === null) break;
    at = BRACKET.lastIndex;
    keys.push(match[1] === undefined ? unescaped(match[2]!) : Number(match[1]));
  }
  if (path[0] === "$" && at === path.length) return keys;
  throw new PeekpackError("bad-path", "This is no normalized path: it must look like $['name'][0].");
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:u(....)|.)/g,
    (escaped, code: string | undefined) =>
      PLAIN[escaped] ?? String.fromCharCode(Number.parseInt(code ?? "", 16)),
  );
}
