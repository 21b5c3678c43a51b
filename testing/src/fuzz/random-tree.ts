import { float64 } from "@peekpack/core";
import { type TaggedJson, toTagged } from "../fixtures/notation.js";
import type { Random } from "./random.js";

/** Options of a random tree. */
export interface TreeOptions {
  /** Approximate encoded size in bytes. */
  readonly bytes: number;
  /** Also values that only some codecs and backends support: integers beyond 64 bits, instants, undefined, tags. */
  readonly exotic?: "msgpack" | "cbor" | undefined;
  /** Also keys that are not strings. Default true. */
  readonly oddKeys?: boolean | undefined;
}

const ALPHABETS = [
  "abcdefghij /:.-_0123456789",
  "äöüßéñ",
  "日本語テキスト",
  "\u{1f600}\u{10000}\uffff\ufeff",
];
const EDGES = [0, 1, 19, 20, 21, 31, 32, 33, 255, 256];
const NAMES = ["", "__proto__", "constructor", "10", "9", "-1", "a/b", "0:1", "length", "p", "t", "1.5"];

/** Makes a random tree in tagged notation. Prefers sizes at which encodings change their form. */
export function randomTree(random: Random, options: TreeOptions): TaggedJson {
  let left = options.bytes;

  const text = (length: number): string => {
    const alphabet = [...random.pick(ALPHABETS)];
    return Array.from({ length }, () => random.pick(alphabet)).join("");
  };

  const integer = (): TaggedJson => {
    const bits = random.integer(0, 64);
    const edge = 2n ** BigInt(bits) + BigInt(random.integer(-1, 1));
    const max = 2n ** 64n - 1n;
    const min = -(2n ** 63n);
    let value = random.chance(0.5) ? edge : -edge;
    if (value > max) value = max;
    if (value < min) value = min;
    if (options.exotic === "cbor" && random.chance(0.1)) value = -(2n ** 64n) + BigInt(random.integer(-2, 2));
    return noted(value);
  };

  const scalar = (): TaggedJson => {
    left -= 9;
    switch (random.integer(0, 12)) {
      case 0:
        return null;
      case 1:
        return random.chance(0.5);
      case 2:
        return random.integer(-40, 140);
      case 3:
      case 4:
        return integer();
      case 5:
        return {
          $float: random.pick([
            "0.0",
            "-0.0",
            "1.0",
            "nan",
            "inf",
            "-inf",
            "5e-324",
            "1e+300",
            "9007199254740992.0",
          ]),
        };
      case 6:
        return toTagged(float64((random.unit() - 0.5) * 10 ** random.integer(-20, 20)));
      case 7:
      case 8: {
        const length = random.chance(0.3) ? random.pick(EDGES) : random.length(60);
        left -= length;
        return text(length);
      }
      case 9: {
        const length = random.chance(0.3) ? random.pick(EDGES) : random.length(60);
        left -= length;
        return { $bytes: Buffer.from(random.bytes(length)).toString("hex") };
      }
      case 10:
        return options.exotic === undefined ? 0 : instant();
      default:
        return random.integer(0, 127);
    }
  };

  const instant = (): TaggedJson => {
    const seconds = random.pick([0, 1, 2 ** 32 - 1, 2 ** 32, 1_700_000_000, -1, -(10 ** 10)]);
    const micros = random.chance(0.5) ? 0 : random.pick([1, 500_000, 999_999, 120_000]);
    return { $timestamp: [seconds, micros * 1000] };
  };

  const key = (taken: Set<string>): TaggedJson => {
    for (;;) {
      const odd = (options.oddKeys ?? true) && random.chance(0.1);
      const name: TaggedJson = !odd
        ? random.chance(0.3)
          ? random.pick(NAMES)
          : text(random.chance(0.05) ? random.pick(EDGES) : random.length(12))
        : random.pick<TaggedJson>([
            // Python treats 1, 1.0 and True as equal keys: keep keys distinct there.
            random.integer(2, 300),
            random.integer(-300, -1),
            { $float: "0.5" },
            { $bytes: "00ff" },
            null,
            true,
            { $int: "18446744073709551615" },
          ]);
      const id = JSON.stringify(name);
      if (taken.has(id)) continue;
      taken.add(id);
      left -= 3 + (typeof name === "string" ? name.length : 3);
      return name;
    }
  };

  /** Enough numbers or strings for a list of several blocks. */
  const column = (): TaggedJson => {
    const length = random.length(Math.max(4, Math.min(left, 4000)));
    const kind = random.integer(0, 4);
    left -= length * (kind === 0 ? 9 : 2);
    if (kind === 1) return { $repeat: [scalar(), length] };
    return Array.from({ length }, (): TaggedJson => {
      if (kind === 0) return toTagged(float64(random.integer(-1000, 1000) / 8));
      if (kind === 2) return random.integer(0, 300);
      if (kind === 3) return random.chance(0.9) ? random.integer(0, 100) : [random.integer(0, 9)];
      return random.chance(0.5) ? null : text(random.length(8));
    });
  };

  const node = (depth: number): TaggedJson => {
    if (left <= 0 || depth > 12 || random.chance(depth === 0 ? 0.03 : 0.35)) return scalar();
    left -= 3;
    const count = random.length(left > 2000 ? 40 : 12);
    switch (random.integer(0, 8)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const taken = new Set<string>();
        return { $map: Array.from({ length: count }, () => [key(taken), node(depth + 1)]) };
      }
      case 4:
        return { $tuple: Array.from({ length: count }, () => node(depth + 1)) };
      case 5:
        return column();
      case 6: {
        const members = new Set<TaggedJson>(
          random.chance(0.5)
            ? Array.from({ length: count }, () => random.integer(-500, 500))
            : Array.from({ length: count }, () => text(random.length(5))),
        );
        return { $set: [...members] };
      }
      default:
        return Array.from({ length: count }, () => node(depth + 1));
    }
  };

  return node(0);
}

function noted(value: bigint): TaggedJson {
  return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: String(value) };
}
