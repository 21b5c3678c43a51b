import {
  difference,
  fingerprint,
  fromTagged,
  loadArchives,
  loadCorrupt,
  loadRealData,
  loadVectors,
  sameTagged,
  type TaggedJson,
  toTagged,
} from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";

describe("sameTagged", () => {
  it.each<[unknown, TaggedJson]>([
    [1, 1],
    [1, { $float: "1.0" }],
    [1n, 1],
    [2n ** 53n, { $int: "9007199254740992" }],
    [1e300, { $float: "1e+300" }],
    [-0, { $float: "-0.0" }],
    [Number.NaN, { $float: "nan" }],
    [[1, 1, 1], { $repeat: [{ $float: "1.0" }, 3] }],
    [[1, []], { $tuple: [1, { $tuple: [] }] }],
    [
      { b: 1, a: 2 },
      {
        $map: [
          ["a", 2],
          ["b", 1],
        ],
      },
    ],
    [
      new Map<unknown, unknown>([
        [1, 2],
        [new Uint8Array(1), 3],
      ]),
      {
        $map: [
          [{ $bytes: "00" }, 3],
          [1, 2],
        ],
      },
    ],
    [
      new Map([[{ x: 1, y: 2 }, 3]]),
      {
        $map: [
          [
            {
              $map: [
                ["y", 2],
                ["x", 1],
              ],
            },
            3,
          ],
        ],
      },
    ],
    [
      { a: 2 },
      {
        $map: [
          ["a", 1],
          ["a", 2],
        ],
      },
    ],
    [new Set([2, 1]), { $set: [1, 2] }],
    [new Date(1500), { $timestamp: [1, 500000000] }],
  ])("%o is %j", (actual, expected) => {
    expect(difference(actual, expected)).toBeUndefined();
  });

  it.each<[unknown, TaggedJson]>([
    [0, { $float: "-0.0" }],
    [-0, 0],
    [1, true],
    ["1", 1],
    [null, { $undefined: true }],
    [[], { $map: [] }],
    [[1], [1, 2]],
    [{ a: 1 }, { $map: [["a", 2]] }],
    [{ a: 1 }, { $map: [["b", 1]] }],
    [{ a: 1, b: 1 }, { $map: [["a", 1]] }],
    [new Map([["1", 1]]), { $map: [[1, 1]] }],
    [new Uint8Array(1), { $bytes: "01" }],
    [2 ** 53, { $int: "9007199254740992" }],
    [[1, 2], { $set: [1, 2] }],
  ])("%o differs from %j", (actual, expected) => {
    expect(sameTagged(actual, expected)).toBe(false);
  });

  it("compares the order of keys on request", () => {
    const expected: TaggedJson = {
      $map: [
        ["a", 1],
        ["b", 2],
      ],
    };
    expect(sameTagged({ a: 1, b: 2 }, expected, { order: true })).toBe(true);
    expect(sameTagged({ b: 2, a: 1 }, expected, { order: true })).toBe(false);
  });

  it("describes the first difference", () => {
    expect(difference({ a: [1, { b: 2 }] }, { $map: [["a", [1, { $map: [["b", 3]] }]]] })).toBe(
      '/"a"/1/"b": 2 instead of 3',
    );
  });
});

describe("the fixtures", () => {
  it("are complete", () => {
    expect(loadVectors()).toHaveLength(531);
    expect(loadArchives()).toHaveLength(150);
    expect(loadCorrupt()).toHaveLength(229);
    expect(loadRealData()).toHaveLength(1);
    expect(loadArchives().flatMap(({ reads }) => reads).length).toBeGreaterThan(1000);
    for (const file of [...loadArchives(), ...loadCorrupt()]) {
      expect(file.bytes().length, file.file).toBeGreaterThan(file.file === "cut-0.bin" ? -1 : 0);
      for (const read of file.reads) expect(read.values.length + read.errors.length).toBeGreaterThan(0);
    }
  });

  it("hold values that survive a round trip through the notation", () => {
    const values = [
      ...loadVectors().map(({ value }) => value),
      ...loadArchives().flatMap(({ value, reads }) => [value, ...reads.flatMap((read) => read.values)]),
      ...loadCorrupt().flatMap(({ reads }) => reads.flatMap((read) => read.values)),
    ];
    let compared = 0;
    for (const value of values) {
      // Too many nanoseconds: a reader may report such an instant, but it is not a valid value.
      if (value === undefined || JSON.stringify(value).includes("1073741823")) continue;
      compared++;
      expect(difference(fromTagged(value), value, { order: true })).toBeUndefined();
      if (!/\$(repeat|tuple)/.test(JSON.stringify(value))) {
        // Values do not keep the marks of integral floats.
        expect(JSON.stringify(toTagged(fromTagged(value)))).toBe(JSON.stringify(value));
      }
    }
    expect(compared).toBeGreaterThan(1500);
  });

  it("have the fingerprints of the vectors", () => {
    expect(fingerprint(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe("1e1f");
    expect(fingerprint(new Uint8Array(4097))).toMatch(/^sha256:[0-9a-f]{64}:len4097$/);
  });
});
