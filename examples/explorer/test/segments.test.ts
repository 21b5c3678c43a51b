import { encodeArchive, openArchive, type Path, pointer, type Value } from "@peekpack/core";
import { fromTagged } from "@peekpack/core/tagged";
import { describe, expect, test } from "vitest";
import { Entry } from "../src/archive/entry.js";
import {
  columnPattern,
  isPattern,
  keysFor,
  keyText,
  pathText,
  quoted,
  typedSegments,
} from "../src/archive/segments.js";

describe("a typed path", () => {
  test.each([
    ["entries/0/energy", ["entries", "0", "energy"]],
    ["a//b/", ["a", "b"]],
    ["/a~1b//~01/", ["a/b", "", "~1", ""]],
    ["/not~a~pointer", ["not~a~pointer"]],
    ['["a/b",0]', ["a/b", "0"]],
    ["[0]x", ["[0]x"]],
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
    expect(
      ["a/b", 'a/"*"', "a*b", "a:b", pathText(["*", 1]), columnPattern(["*"], "x").slice(0, 3)].map(
        isPattern,
      ),
    ).toEqual(Array(6).fill(false));
  });
});

test("finds keys of every type by their text", () => {
  for (const key of ["text", 7, -3n, 1.5, true, null, Uint8Array.of(0, 255)]) {
    expect(keysFor(keyText(key))).toContainEqual(
      typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key,
    );
  }
});

describe("a copied path", () => {
  const KEYS = [
    "plain",
    "a/b",
    "",
    "*",
    '"quoted"',
    'quote"d',
    " blank ",
    "line\nbreak",
    "~",
    "~1",
    "ü",
    "1:2",
    "1",
    "$",
    "$.a",
    "[0]",
    "-1",
    "..",
    "a b",
    7,
    -3n,
    2n ** 60n,
    1.5,
    true,
    null,
    Uint8Array.of(0, 255),
  ] as const;

  test.each(KEYS.map((key) => [keyText(key), key] as const))(
    "leads core and this page to the same value: %j",
    async (_, key) => {
      const inner = new Map<Value, Value>([
        [key, ["found"]],
        ["other", 1],
      ]);
      const archive = await openArchive(
        encodeArchive(
          new Map<Value, Value>([
            ["x", inner],
            [key, inner],
          ]),
        ),
      );
      const root = Entry.root(archive, "archive");
      for (const keys of [
        ["x", key, 0],
        [key, key, 0],
      ]) {
        let at = root;
        for (const key of keys) {
          await at.load();
          const index = await at.find({ text: keyText(key), exact: true, key: { value: key } });
          await at.ensure(index, index + 1);
          at = at.child(index);
        }
        await at.load();
        const text = at.pathText;
        expect(await archive.read(pathOf(text))).toBe("found");
        let found = root;
        for (const segment of typedSegments(text)) {
          await found.load();
          const index = await found.find(segment);
          await found.ensure(index, index + 1);
          found = found.child(index);
        }
        expect((await found.load()).value).toBe("found");
        expect(isPattern(text)).toBe(false);
      }
    },
  );

  /** What the text says of itself: see the README. */
  function pathOf(text: string): Path {
    if (text.startsWith("/")) return pointer(text);
    return text.startsWith("[") ? (fromTagged(JSON.parse(text), { floats: "number" }) as Path) : text;
  }
});
