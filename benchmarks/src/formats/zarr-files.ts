import { VALUES } from "./values.js";

/** Numbers of a chunk inside the shard. */
const CHUNK = 1024;
const CHUNKS = Math.ceil(VALUES / CHUNK);

/** A number of the array. */
export const numberAt = (i: number): number => i / 7;

/** A Zarr array (version 3) of 64-bit floats in one shard, as objects by key. */
export function zarrFiles(): Readonly<Record<"zarr.json" | "c/0", Uint8Array>> {
  const littleEndian = { name: "bytes", configuration: { endian: "little" } };
  const metadata = {
    zarr_format: 3,
    node_type: "array",
    shape: [VALUES],
    data_type: "float64",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [CHUNK * CHUNKS] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [
      {
        name: "sharding_indexed",
        configuration: {
          chunk_shape: [CHUNK],
          codecs: [littleEndian],
          index_codecs: [littleEndian],
          index_location: "end",
        },
      },
    ],
    attributes: {},
  };
  const numbers = Float64Array.from({ length: CHUNK * CHUNKS }, (_, i) => (i < VALUES ? numberAt(i) : 0));
  const index = new BigUint64Array(CHUNKS * 2);
  for (let i = 0; i < CHUNKS; i++) index.set([BigInt(i * CHUNK * 8), BigInt(CHUNK * 8)], i * 2);
  return {
    "zarr.json": Buffer.from(JSON.stringify(metadata)),
    "c/0": Buffer.concat([Buffer.from(numbers.buffer), Buffer.from(index.buffer)]),
  };
}
