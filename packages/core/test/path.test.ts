import { isDeepStrictEqual } from "node:util";
import { fromTagged, loadArchives, type ReadCase, sameTagged } from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";
import { isPeekpackError, PeekpackError } from "../src/errors.js";
import { type ListSelection, resolveListSegment } from "../src/reader/list-selection.js";
import { type Path, parsePath, slice } from "../src/reader/path.js";

/** The indices that a segment selects of a list; an array also for a single index, in an array of its own. */
function indices(segment: Parameters<typeof resolveListSegment>[0], length: number): number[] | number {
  const selection: ListSelection = resolveListSegment(segment, length);
  if (selection.kind === "index") return selection.index;
  return Array.from({ length: selection.count }, (_, i) => selection.start + i * selection.step);
}

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isPeekpackError(error) ? error.code : String(error);
  }
  return "no error";
}

describe("parsePath", () => {
  it("splits text on / and drops empty segments", () => {
    expect(parsePath("a//b/")).toEqual(["a", "b"]);
    expect(parsePath("/0/-1/ 7 /1:3")).toEqual(["0", "-1", " 7 ", "1:3"]);
    for (const root of [undefined, "", "/", "//", []] as const) expect(parsePath(root)).toEqual([]);
  });

  it("keeps the elements of an array as exact keys, in a copy", () => {
    const path = ["a/b", "", 3, -1n, 1.5, true, null, new Uint8Array([1]), slice(1)];
    const parsed = parsePath(path);
    expect(parsed).toEqual(path);
    path.length = 0;
    expect(parsed).toHaveLength(9);
  });

  it("refuses a value that is not a path", () => {
    for (const path of [3, null, {}, [undefined], [{}], [["a"]], [Symbol("s")], [() => 1]]) {
      expect(() => parsePath(path as unknown as Path)).toThrow(TypeError);
    }
  });
});

describe("a segment on a list", () => {
  it.each([
    ["0", 10, 0],
    ["-1", 10, 9],
    ["-10", 10, 0],
    ["+3", 10, 3],
    [" 7 ", 10, 7],
    ["\u00a07\u0085", 10, 7],
    ["\t7\n", 10, 7],
    ["1_0", 30, 10],
    ["00", 10, 0],
    ["-0", 10, 0],
    ["٣", 10, 3],
    ["-٣", 10, 7],
    ["１２", 20, 12],
    ["𝟛", 10, 3],
    ["𝟖𝟙", 100, 81],
    ["૩", 10, 3],
  ])("%j of %i is an index as Python's int() reads it", (text, length, index) => {
    expect(indices(text, length)).toBe(index);
  });

  it("takes integers of either type", () => {
    expect(indices(3, 10)).toBe(3);
    expect(indices(-3n, 10)).toBe(7);
    expect(Object.is(indices(-0, 10), 0)).toBe(true);
  });

  it.each([
    "1.0",
    "0x1",
    "1e1",
    "a",
    "",
    "_1",
    "1_",
    "1__0",
    "+ 3",
    "--3",
    "²",
    "\u22123",
    "\ufeff3",
    "1:2:3:4",
  ])("%j is no index and no slice", (text) => {
    expect(code(() => indices(text, 10))).toBe("bad-path");
  });

  it.each([
    [true],
    [null],
    [1.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [new Uint8Array([0])],
    ["1:x"],
    ["x:"],
    ["0: :3"],
    ["0:0:3"],
  ])("%j fits no list", (segment) => {
    expect(code(() => indices(segment, 10))).toBe("bad-path");
  });

  it.each(["10", "-11", "9".repeat(30), `-${"9".repeat(400)}`, 10, -11, 10n ** 30n])(
    "index %s is out of range",
    (segment) => {
      expect(code(() => indices(segment, 10))).toBe("not-found");
    },
  );

  it("reports the path it was given", () => {
    expect(() => resolveListSegment("x", 1, ["list", "x"])).toThrow(
      expect.objectContaining({ path: ["list", "x"] }),
    );
  });

  it.each([
    ["1:3", 30, [1, 2]],
    ["28:", 30, [28, 29]],
    [":2", 30, [0, 1]],
    ["24:2:30", 30, [24, 26, 28]],
    ["24:2:", 30, [24, 26, 28]],
    [":2:5", 30, [0, 2, 4]],
    ["::2", 30, [0, 1]],
    ["5:-1:2", 30, [5, 4, 3]],
    ["5:-2:0", 30, [5, 3, 1]],
    [":-1:", 10, []],
    ["1:-1:0", 10, [1]],
    ["0::", 4, [0, 1, 2, 3]],
    ["::", 2, [0, 1]],
    ["::-1", 4, [0, 1, 2]],
    ["٣:٥", 10, [3, 4]],
    [" 1 : 3 ", 10, [1, 2]],
    ["3:3", 30, []],
    ["9:4", 30, []],
    // Bounds outside the list wrap around it.
    ["-202:", 200, [198, 199]],
    ["398:", 200, [198, 199]],
    [":202", 200, [0, 1]],
    [":-398", 200, [0, 1]],
    ["19998:30000", 200, [198, 199]],
    ["-31:", 30, [29]],
    ["-1:-60:-200", 200, [199, 139, 79, 19]],
    ["9007199254740993:", 10, [3, 4, 5, 6, 7, 8, 9]],
    [`0:${"9".repeat(400)}:`, 10, [0]],
    [`9:-${"9".repeat(400)}:0`, 10, [9]],
    // An empty list has no item, and no bound to wrap.
    [":", 0, []],
    ["0:1", 0, []],
    ["-5:7", 0, []],
  ])("%j of %i", (text, length, expected) => {
    expect(indices(text, length)).toEqual(expected);
  });

  it("wraps by the length as often as it takes", () => {
    const length = 7;
    for (let start = -40; start <= 40; start++) {
      for (let stop = -40; stop <= 40; stop++) {
        let [from, to] = [start, stop];
        while (from < -length) from += length;
        while (from >= length) from -= length;
        while (to < 1 - length) to += length;
        while (to > length) to -= length;
        const expected = [0, 1, 2, 3, 4, 5, 6].slice(from, to === 0 ? 0 : to);
        expect(indices(`${start}:${stop}`, length), `${start}:${stop}`).toEqual(expected);
      }
    }
  });
});

describe("slice", () => {
  it.each([
    [slice(null, 2), [0, 1]],
    [slice(-3), [7, 8, 9]],
    [slice(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [slice(null, null, -2), [9, 7, 5, 3, 1]],
    [slice(2, -2, 3), [2, 5]],
    [slice(12, 30), []],
    [slice(30), []],
    [slice(-30, 3), [0, 1, 2]],
    [slice(30, -30, -4), [9, 5, 1]],
    [slice(0, Number.MAX_VALUE, Number.MAX_VALUE), [0]],
  ])("%o is clipped as Python clips it", (segment, expected) => {
    expect(indices(segment, 10)).toEqual(expected);
    expect(indices(segment, 0)).toEqual([]);
  });

  it("refuses a step of 0 and bounds that are no integers", () => {
    expect(code(() => indices(slice(0, 5, 0), 10))).toBe("bad-path");
    expect(code(() => indices(slice(0, 5, 0), 0))).toBe("bad-path");
    expect(() => slice(1.5)).toThrow(TypeError);
    expect(() => slice(0, Number.NaN)).toThrow(TypeError);
    expect(() => slice("1" as unknown as number)).toThrow(TypeError);
  });
});

describe("the reads of the fixtures", () => {
  const archives = loadArchives().filter(
    ({ file, value, reads }) => /-msgpack\.msglc$/.test(file) && value !== undefined && reads.length > 0,
  );

  /** What a path finds in a plain value: the least reader there is. */
  function find(root: unknown, path: Path): unknown {
    let value = root;
    for (const segment of parsePath(path)) {
      if (Array.isArray(value)) {
        const list: unknown[] = value;
        const selection = resolveListSegment(segment, list.length);
        value =
          selection.kind === "index"
            ? list[selection.index]
            : Array.from({ length: selection.count }, (_, i) => list[selection.start + i * selection.step]);
      } else if (value instanceof Map) {
        const entry = [...value].find(([key]) => isDeepStrictEqual(key, segment));
        if (!entry) throw new PeekpackError("not-found", "no such key");
        value = entry[1];
      } else throw new PeekpackError("bad-path", "no container");
    }
    return value;
  }

  it("are many", () => {
    expect(archives.flatMap(({ reads }) => reads).length).toBeGreaterThan(400);
  });

  it.each(archives.map((archive) => [archive.file, archive] as const))("%s", (_file, archive) => {
    const root = fromTagged(archive.value, { maps: "map", floats: "number" });
    const mismatches = archive.reads.filter((read: ReadCase) => {
      try {
        const value = find(root, read.path);
        return !read.values.some((expected) => sameTagged(value, expected));
      } catch (error) {
        return !isPeekpackError(error) || !read.errors.includes(error.code);
      }
    });
    expect(mismatches).toEqual([]);
  });
});
