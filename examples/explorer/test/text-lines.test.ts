import { Ext, NdArray, Tagged, Timestamp, type Value } from "@peekpack/core";
import { expect, test } from "vitest";
import { timeline } from "../src/traffic/timeline.js";
import { textLines, wholeText } from "../src/value/text-lines.js";
import { preview, textOf } from "../src/value/tokens.js";

test("shows plain values as JSON", () => {
  const value = {
    name: "run",
    list: [1, 2.5, -0, null, true],
    inner: { a: 1, b: "x" },
    rows: [{ a: [1, [2, 3]] }, {}, []],
    long: Array.from({ length: 200 }, (_, i) => i * 1.5),
  };
  expect(JSON.parse(wholeText(value).replace("-0", "0"))).toEqual({
    ...value,
    list: [1, 2.5, 0, null, true],
  });
});

test("shows values that JSON lacks with their type", () => {
  const text = wholeText([
    2n ** 70n,
    new Date(0),
    new Timestamp(1, 5),
    Uint8Array.of(0xde, 0xad),
    new Ext(7, Uint8Array.of(1)),
    new Tagged(30, [1, 3]),
    Number.NaN,
    undefined,
    new NdArray(Float32Array.of(1, 2, 3, 4), [2, 2]),
  ] as Value);
  for (const part of [
    "1180591620717411303424n",
    "1970-01-01T00:00:00.000Z",
    "1970-01-01T00:00:01.000000005Z",
    "h'dead'",
    "Ext 7",
    "Tag 30",
    "NaN",
    "undefined",
    "float32 [2 × 2]",
  ]) {
    expect(text).toContain(part);
  }
});

test("shows bytes as hexadecimal with offsets", () => {
  const lines = [...textLines(Uint8Array.from({ length: 20 }, (_, i) => 0x40 + i))];
  expect(lines.map(({ tokens }) => textOf(tokens))).toEqual([
    expect.stringMatching(/^0000 {2}40 41 .* 4f\s+@ABCDEFGHIJKLMNO$/),
    expect.stringMatching(/^0010 {2}50 51 52 53\s+PQRS$/),
  ]);
});

test("makes lines on demand", () => {
  const source = textLines(Array.from({ length: 100_000 }, (_, i) => ({ i })));
  expect(textOf(source.next().value!.tokens)).toBe("[");
  expect(textOf(source.next().value!.tokens)).toBe('{ "i": 0 },');
});

test("shows the shape of a table in a short preview", () => {
  expect(
    textOf(
      preview([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ),
  ).toBe("[3 × 2]");
  expect(textOf(preview([[1, 2], [3]]))).toContain("[2]");
  expect(
    textOf(preview(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key${i}`, "x".repeat(90)]))))
      .length,
  ).toBeLessThan(160);
});

test("cuts idle time from a timeline, and keeps the order", () => {
  const axis = timeline([
    { startedAt: 1000, ms: 100 },
    { startedAt: 1050, ms: 100 },
    { startedAt: 900_000, ms: 100 },
  ]);
  expect(axis.ms).toBe(150 + 40 + 100);
  expect(axis.position(1000)).toBe(0);
  expect(axis.position(1100)).toBeCloseTo(100 / 290);
  expect(axis.position(900_000)).toBeCloseTo(190 / 290);
  expect(axis.position(900_100)).toBe(1);
});
