import { describe, expect, it } from "vitest";
import { decodeHeader, encodeArchive, HEADER_SIZE, type LazyList, openArchive } from "../src/index.js";

/** An archive whose data are the given bytes, under a table that says it is one value. */
function archiveOf(data: readonly number[]): Uint8Array {
  const archive = encodeArchive(new Uint8Array(Math.max(0, data.length - 2)));
  const { tocStart } = decodeHeader(archive, archive.length);
  if (tocStart !== data.length) throw new Error("the data do not fit");
  archive.set(data, HEADER_SIZE);
  return archive;
}

const float = (value: number): number[] => {
  const bytes = new DataView(new ArrayBuffer(9));
  bytes.setUint8(0, 0xcb);
  bytes.setFloat64(1, value);
  return [...new Uint8Array(bytes.buffer)];
};

describe("lists of floats", () => {
  const odd = [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -1.5];
  const column = Array.from({ length: 20_000 }, (_, i) => i + 0.25);

  it("are read as they were written, whole, in blocks and in pieces", async () => {
    const value = { odd, column, rows: [column.slice(0, 1000), odd], mixed: [0.5, 1, 0.5, "text"] };
    const archive = await openArchive(encodeArchive(value));
    expect(await archive.read()).toEqual(value);
    expect(await archive.read("column")).toEqual(column);
    expect(await archive.read("column/-3:")).toEqual(column.slice(-3));
    expect(await archive.read("odd")).toEqual(odd);
    expect(Object.is((await archive.read(["odd", 1])) as number, -0)).toBe(true);
    expect(await ((await archive.get("column")) as LazyList).toValue()).toEqual(column);
  });

  it("keep extensions, byte strings and odd keys beside them", async () => {
    const value = new Map<unknown, unknown>([
      [1, column],
      ["__proto__", new Uint8Array([1, 2])],
      ["when", new Date(1234567890123)],
    ]);
    expect(await (await openArchive(encodeArchive(value))).read()).toEqual(value);
  });

  it("are arrays of their own: a change to one shows nowhere else", async () => {
    const archive = await openArchive(encodeArchive([column, column]));
    const first = (await archive.read("0")) as number[];
    first[0] = 7;
    first.push(8);
    expect(await archive.read("0")).toEqual(column);
  });

  it.each([
    ["a float that ends early", [0x92, ...float(1.5), ...float(2.5).slice(0, 8)], "corrupt"],
    ["a float too many", [0x92, ...float(1.5), ...float(2.5), ...float(3.5)], "corrupt"],
    [
      "a list that announces more floats than there are",
      [0xdc, 0, 3, ...float(1.5), ...float(2.5)],
      "corrupt",
    ],
    ["a short list that ends early", [0x92, 0x93, 1, 2], "corrupt"],
    ["a short list whose last item ends early", [0x92, 0x92, 1, 0xcd, 1], "corrupt"],
  ])("are refused when damaged: %s", async (_, data, code) => {
    const archive = await openArchive(archiveOf(data));
    await expect(archive.read()).rejects.toMatchObject({ code });
  });

  it("count against the limits of items and depth like any list", async () => {
    const deep = encodeArchive([[[1, 2, 3]]]);
    const read = async (bytes: Uint8Array, limits: object): Promise<unknown> =>
      (await openArchive(bytes, { limits })).read();
    await expect(read(deep, { maxDepth: 2 })).rejects.toMatchObject({ code: "limit" });
    expect(await read(deep, { maxDepth: 3 })).toEqual([[[1, 2, 3]]]);
    await expect(read(deep, { maxItems: 5 })).rejects.toMatchObject({ code: "limit" });
    expect(await read(deep, { maxItems: 6 })).toEqual([[[1, 2, 3]]]);
  });
});
