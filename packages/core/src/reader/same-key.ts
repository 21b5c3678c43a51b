import type { Value } from "../values.js";
import type { PathKey } from "./path.js";

/** Whether a decoded key is the one a path names: numbers and bigints by value, bytes by content, all else exactly. */
export function sameKey(key: Value, wanted: PathKey): boolean {
  if (key === wanted) return true;
  if (typeof key === "number" || typeof key === "bigint") {
    if (typeof wanted !== "number" && typeof wanted !== "bigint") return false;
    // biome-ignore lint/suspicious/noDoubleEquals: 2 and 2n are the same key
    return key == wanted || (Number.isNaN(key) && Number.isNaN(wanted));
  }
  return (
    key instanceof Uint8Array &&
    wanted instanceof Uint8Array &&
    key.length === wanted.length &&
    key.every((byte, i) => byte === wanted[i])
  );
}
