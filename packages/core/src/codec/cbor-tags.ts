import { instant, Tagged, type Value } from "../values.js";
import { decodeError } from "./decode-error.js";
import { safeInteger } from "./safe-integer.js";
import { MAX_ENTRIES } from "./value-builder.js";

/** A bignum of more bytes is refused: the time that its arithmetic takes grows faster than its length. */
const MAX_BIGNUM_BYTES = 8192;

/** The meaning of a tag, where it has one here and its content fits it. */
export function untagged(tag: number | bigint, content: Value, at: number): Value {
  switch (tag) {
    case 0:
      return (typeof content === "string" && dateTime(content)) || new Tagged(tag, content);
    case 1:
      return epoch(content) ?? new Tagged(tag, content);
    case 2:
    case 3: {
      if (!(content instanceof Uint8Array)) break;
      if (content.length > MAX_BIGNUM_BYTES)
        throw decodeError("limit", at, `An integer is ${content.length} bytes long.`);
      let hex = "0x0";
      for (const byte of content) hex += byte.toString(16).padStart(2, "0");
      return safeInteger(tag === 2 ? BigInt(hex) : -1n - BigInt(hex));
    }
    case 258:
      if (!Array.isArray(content)) break;
      if (content.length > MAX_ENTRIES)
        throw decodeError("limit", at, `A set has more than ${MAX_ENTRIES} items.`);
      return new Set(content);
  }
  return new Tagged(tag, content);
}

/** The instant that an RFC 3339 text names, to the nanosecond; undefined if it is not one, or is finer. */
function dateTime(text: string): Value {
  const match =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9})0*)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i.exec(text);
  if (match === null) return undefined;
  const [, day, time, fraction = "", sign, hours, minutes] = match;
  const local = new Date(`${day}T${time}Z`);
  // Engines take the 30th of February for the 2nd of March.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== `${day}T${time}`)
    return undefined;
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -60 : 60);
  return instant(local.getTime() / 1000 - offset, Number(fraction.padEnd(9, "0")));
}

/**
 * Seconds since 1970 as an instant. Floats are read to the microsecond, as Python does: for instants of this century
 * a double tells no finer ones apart.
 */
function epoch(seconds: Value): Value {
  if (typeof seconds === "bigint") return instant(seconds, 0);
  if (typeof seconds !== "number" || !Number.isSafeInteger(Math.floor(seconds))) return undefined;
  const whole = Math.floor(seconds);
  const micro = Math.round((seconds - whole) * 1e6);
  return micro === 1e6 ? instant(whole + 1, 0) : instant(whole, micro * 1000);
}
