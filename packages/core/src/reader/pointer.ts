import { PeekpackError } from "../errors.js";
import { type Path, parsePath } from "./path.js";

/**
 * The path of a JSON Pointer (RFC 6901): `pointer("/entries/0/a~1b")` is `["entries", "0", "a/b"]`. The empty pointer is the
 * root. A token is exactly one key of a map; on a list it is an index.
 * @throws PeekpackError `bad-path` if the text is not a JSON Pointer
 */
export function pointer(text: string): string[] {
  if (typeof text !== "string") throw new TypeError("A JSON Pointer is a string.");
  if (text === "") return [];
  if (!/^\//.test(text)) throw new PeekpackError("bad-path", "A JSON Pointer is empty or starts with /.");
  if (/~(?![01])/.test(text)) {
    throw new PeekpackError("bad-path", "In a JSON Pointer ~ is written ~0, and / in a key is written ~1.");
  }
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * The JSON Pointer of a path.
 * @throws PeekpackError `bad-path` if a segment is neither a text nor a non-negative integer: a pointer has no other keys
 */
export function toPointer(path: Path): string {
  const segments = parsePath(path);
  return segments
    .map((segment) => {
      if (typeof segment === "string") return `/${segment.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const isIndex = typeof segment === "bigint" || Number.isSafeInteger(segment);
      if (isIndex && (segment as number | bigint) >= 0) return `/${segment}`;
      throw new PeekpackError("bad-path", "A JSON Pointer has only texts and non-negative indices.", {
        path: segments,
      });
    })
    .join("");
}
