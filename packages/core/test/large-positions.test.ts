import { expect, it } from "vitest";
import { ArchiveEncoder } from "../src/writer/encoder.js";
import { MsgpackPacker } from "../src/writer/msgpack-packer.js";
import { resolveEncodeOptions } from "../src/writer/options.js";

const START = 2 ** 31 - 3000;

/** The table for a value that is encoded from position 2^31 − 3000 on. */
function tableAt(data: MsgpackPacker, shift: number, value: unknown): Uint8Array {
  const options = resolveEncodeOptions({ smallObjectThreshold: 256 });
  const encoder = new ArchiveEncoder(data, new MsgpackPacker(1024), shift, options);
  encoder.value(value, 0);
  const { buf, pos } = encoder.toc.packer;
  return buf.slice(0, pos);
}

it.each<[string, unknown]>([
  [
    "maps of texts",
    Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`group ${i}`, { a: "x".repeat(150), b: "y".repeat(150) }]),
    ),
  ],
  ["lists of small items", Array.from({ length: 5000 }, (_, i) => i % 100)],
  ["floats", Float64Array.from({ length: 2000 }, Math.sqrt)],
])("positions of %s beyond 2^31 bytes are right in the table", (_what, value) => {
  // Memory that is never touched is not taken.
  const beyond = new MsgpackPacker(new Uint8Array(2 ** 31 + 2 ** 20));
  beyond.pos = START;
  const table = tableAt(beyond, 0, value);
  expect(beyond.pos).toBeGreaterThan(2 ** 31);
  expect(table.length).toBeGreaterThan(50);
  expect(table).toEqual(tableAt(new MsgpackPacker(1024), START, value));
});
