import { describe, expect, test } from "vitest";
import { isPattern, keysFor, keyText, pathText, quoted, typedSegments } from "../src/archive/segments.js";

describe("a typed path", () => {
  test.each([
    ["entries/0/energy", ["entries", "0", "energy"]],
    ["/a//b/", ["a", "b"]],
    ['"a/b"/c', ["a/b", "c"]],
    ['a/""/b', ["a", "", "b"]],
    ['a/"unfinished', ["a", "unfinished"]],
    ["", []],
  ])("splits at slashes, but for quotes: %s", (text, segments) => {
    expect(typedSegments(text).map((segment) => segment.text)).toEqual(segments);
  });

  test.each(["plain", "a/b", "", "*", 'quote"d', '"', "a b", "line\nbreak", "\\", "ü", "1:2"])(
    "comes back from what was written: %j",
    (key) => {
      expect(typedSegments(`x/${quoted(key)}/y`).map(({ text }) => text)).toEqual(["x", key, "y"]);
    },
  );

  test("is a pattern if an unquoted segment is a star or a slice", () => {
    expect(["a/*/b", "a/0:5", "::2"].map(isPattern)).toEqual([true, true, true]);
    expect(["a/b", 'a/"*"', "a*b", "a:b", pathText(["*", 1])].map(isPattern)).toEqual(Array(5).fill(false));
  });
});

test("finds keys of every type by their text", () => {
  for (const key of ["text", 7, -3n, 1.5, true, null, Uint8Array.of(0, 255)]) {
    expect(keysFor(keyText(key))).toContainEqual(
      typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key,
    );
  }
});
