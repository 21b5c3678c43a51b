import { expect, it } from "vitest";
import { ArchiveEncoder } from "../src/writer/encoder.js";
import { placed } from "../src/writer/misplaced.js";
import { MsgpackPacker } from "../src/writer/msgpack-packer.js";
import { resolveEncodeOptions } from "../src/writer/options.js";

const START = 2 ** 31 - 3000;

/** The table for a value that is encoded from position 2^31 − 3000 on. */
function tableAt(data: MsgpackPacker, shift: number, value: unknown): Uint8Array {
  const options = resolveEncodeOptions({ smallObjectThreshold: 256 });
  const encoder = new ArchiveEncoder(data, new MsgpackPacker(1024), shift, options);
  try {
    encoder.value(value, 0);
  } catch (error) {
    throw placed(error);
  }
  const { buf, pos } = encoder.toc.packer;
  return buf.slice(0, pos);
}

/** A packer at that position. Memory that is never touched is not taken. */
function beyond(): MsgpackPacker {
  const data = new MsgpackPacker(new Uint8Array(2 ** 31 + 2 ** 20));
  data.pos = START;
  return data;
}

it.each<[string, unknown]>([
  ["small items", Array.from({ length: 5000 }, (_, i) => i % 100)],
  ["floats", Float64Array.from({ length: 2000 }, Math.sqrt)],
])("blocks of %s that lie beyond 2^31 bytes are right in the table", (_what, value) => {
  const data = beyond();
  const table = tableAt(data, 0, value);
  expect(data.pos).toBeGreaterThan(2 ** 31);
  expect(table.length).toBeGreaterThan(50);
  expect(table).toEqual(tableAt(new MsgpackPacker(1024), START, value));
});

it("rejects nodes beyond 2^31 bytes of one value with limit, where positions would wrap", () => {
  const value = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`group ${i}`, { a: "x".repeat(150), b: "y".repeat(150) }]),
  );
  expect(() => tableAt(beyond(), 0, value)).toThrow(expect.objectContaining({ code: "limit" }));
});
