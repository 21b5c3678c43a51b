import { encodeArchive, openArchive } from "@peekpack/core";
import { isUnicode } from "@peekpack/core/internal";
import { expect, it } from "vitest";
import { encodedMember } from "../src/encoded.js";
import { query } from "../src/index.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** The member under a name of an encoded value, decoded. */
async function memberOf(codec: "msgpack" | "cbor", encoding: string, name: string): Promise<unknown> {
  const { archive } = (await openArchive(encodeArchive([], { codec })))["~location"]();
  const bytes = hex(encoding);
  archive.check(bytes, 1, 0);
  const utf8 = isUnicode(name) ? new TextEncoder().encode(name) : undefined;
  const value = {
    kind: "encoded",
    archive,
    cursor: archive.cursor(bytes),
    base: 0,
    start: 0,
    end: bytes.length,
  } as const;
  const found = encodedMember(value, { kind: "name", name, utf8 });
  if (found === undefined || found.kind === "plain") return found?.value;
  return (await archive.decode(bytes.subarray(found.start, found.end), 1, 0))[0];
}

it("finds what decoding would give under a name: of duplicate keys the last, and no key that is not a text", async () => {
  // {"a": 1, "b": [2, 3], "a": 4, 5: 6, h'61': 7}
  const msgpack = "85 a161 01 a162 92 02 03 a161 04 05 06 c40161 07";
  const cbor = "a5 6161 01 6162 82 02 03 6161 04 05 06 4161 07";
  for (const [codec, encoding] of [
    ["msgpack", msgpack],
    ["cbor", cbor],
  ] as const) {
    expect(await memberOf(codec, encoding, "a")).toBe(4);
    expect(await memberOf(codec, encoding, "b")).toEqual([2, 3]);
    for (const name of ["5", "c", "", "\ud800"])
      expect(await memberOf(codec, encoding, name)).toBeUndefined();
  }
  expect(await memberOf("msgpack", "92 a161 01", "a")).toBeUndefined();
  expect(await memberOf("msgpack", "cb 3ff8000000000000", "a")).toBeUndefined();
});

it("finds names in maps and texts of indefinite length, and in a map that has a tag", async () => {
  // {_ (_ "a", "b"): 1, "c": 2}
  const open = "bf 7f 6161 6162 ff 01 6163 02 ff";
  expect(await memberOf("cbor", open, "ab")).toBe(1);
  expect(await memberOf("cbor", open, "c")).toBe(2);
  expect(await memberOf("cbor", open, "a")).toBeUndefined();
  // 55799({"a": 1}): the tag of CBOR itself.
  expect(await memberOf("cbor", "d9d9f7 a1 6161 01", "a")).toBe(
    (
      (await openArchive(encodeArchive([], { codec: "cbor" })))
        ["~location"]()
        .archive.decodePlain(hex("d9d9f7 a1 6161 01")) as { a?: unknown }
    ).a,
  );
});

it("gives what a filter passes over small records as it was written, whatever it compares", async () => {
  const row = (i: number) => ({
    i,
    text: `é${i % 7}`,
    list: [i, [i + 1]],
    deep: { i, none: null },
    "a'b": -i,
  });
  const rows = Array.from({ length: 200 }, (_, i) => row(i));
  for (const layout of [
    { smallObjectThreshold: 1, trivialSize: 0 },
    { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true, codec: "cbor" },
    { smallObjectThreshold: 64 },
  ] as const) {
    const archive = await openArchive(encodeArchive({ rows }, layout));
    for (const [filter, passes] of [
      ["@.deep.i >= 190", (of: ReturnType<typeof row>) => of.i >= 190],
      ["@.text == 'é3' && @.i > 180", (of: ReturnType<typeof row>) => of.i % 7 === 3 && of.i > 180],
      ["@.list[1][0] == 5 || @['a\\'b'] == -9", (of: ReturnType<typeof row>) => of.i === 4 || of.i === 9],
      ["@.deep.none == null && @.i < 2", (of: ReturnType<typeof row>) => of.i < 2],
      ["@.deep.missing == @.i", () => false],
      [
        "@.deep.missing == @.list.i && length(@.text) == 2 && @.i == 8",
        (of: ReturnType<typeof row>) => of.i === 8,
      ],
      [
        "match(@.text, '.[56]') && count(@.list[*]) == 2 && @.i < 6",
        (of: ReturnType<typeof row>) => of.i === 5,
      ],
    ] as const) {
      const expected = rows.filter(passes);
      const found = await query(archive, `$.rows[?${filter}]`).toArray();
      expect([filter, found.map(({ value }) => value)]).toEqual([filter, expected]);
      const deep = await query(archive, `$.rows[?${filter}].deep['i', 'missing']`).toArray();
      expect([filter, deep.map(({ value }) => value)]).toEqual([filter, expected.map(({ i }) => i)]);
    }
  }
});
