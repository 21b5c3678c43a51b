import { describe, expect, it } from "vitest";
import { encodeArchive, openArchive, pointer, slice, toPointer } from "../src/index.js";

/* RFC 6901, section 5. */
const document = {
  foo: ["bar", "baz"],
  "": 0,
  "a/b": 1,
  "c%d": 2,
  "e^f": 3,
  "g|h": 4,
  "i\\j": 5,
  'k"l': 6,
  " ": 7,
  "m~n": 8,
};
const examples: readonly (readonly [string, unknown])[] = [
  ["", document],
  ["/foo", ["bar", "baz"]],
  ["/foo/0", "bar"],
  ["/", 0],
  ["/a~1b", 1],
  ["/c%d", 2],
  ["/e^f", 3],
  ["/g|h", 4],
  ["/i\\j", 5],
  ['/k"l', 6],
  ["/ ", 7],
  ["/m~0n", 8],
];

describe("JSON Pointer", () => {
  it("gives the path of every example of RFC 6901, and the pointer of the path", async () => {
    for (const smallObjectThreshold of [1, 8192]) {
      const archive = await openArchive(encodeArchive(document, { smallObjectThreshold, trivialSize: 0 }));
      for (const [text, value] of examples) {
        expect(await archive.read(pointer(text))).toEqual(value);
        expect(toPointer(pointer(text))).toBe(text);
      }
    }
  });

  it("unescapes ~01 to ~1", () => {
    expect(pointer("/~01/a~1b~0c")).toEqual(["~1", "a/b~c"]);
    expect(toPointer(["~1", "a/b~c"])).toBe("/~01/a~1b~0c");
  });

  it("gives the pointer of indices and of text paths", () => {
    expect(toPointer(["entries", 0, 12n])).toBe("/entries/0/12");
    expect(toPointer("entries/0/energy")).toBe("/entries/0/energy");
  });

  it("keeps empty keys", () => {
    expect(pointer("//a/")).toEqual(["", "a", ""]);
    expect(toPointer(["", "a", ""])).toBe("//a/");
  });

  it("rejects a text that is not a pointer with bad-path", () => {
    for (const text of ["a", "#/a", "/~", "/a~2", "/~a"]) {
      expect(() => pointer(text)).toThrow(expect.objectContaining({ code: "bad-path" }));
    }
    for (const segment of [-1, 0.5, null, true, new Uint8Array(1), slice(1)]) {
      expect(() => toPointer(["a", segment])).toThrow(expect.objectContaining({ code: "bad-path" }));
    }
    expect(() => pointer(5 as never)).toThrow(TypeError);
  });
});
