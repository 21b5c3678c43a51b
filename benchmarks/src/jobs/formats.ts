import { writeFileSync } from "node:fs";
import { openArchive } from "@peekpack/core";
import { roundTrips } from "@peekpack/testing";
import { type AsyncBuffer, parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { PMTiles, tileIdToZxy, zxyToTileId } from "pmtiles";
import * as zarr from "zarrita";
import { pmtilesFile, ZOOM } from "../formats/pmtiles-file.js";
import { RangedUrl, type Requests } from "../formats/ranged-url.js";
import { record, VALUES } from "../formats/values.js";
import { numberAt, zarrFiles } from "../formats/zarr-files.js";
import type { Job, Jobs } from "../job.js";

/** Target files. */
interface FormatFiles {
  readonly pmtiles: string;
  readonly parquet: string;
  readonly zarrMetadata: string;
  readonly zarrShard: string;
}

/** Rows of a row group, and bytes of a page of the Parquet file. */
const ROW_GROUP = 100_000;
const PAGE = 64 * 1024;

/** What a reader asks for first: the end of the file, with its metadata. hyparquet's default. */
const PARQUET_TAIL = 512 * 1024;

/** Each run reads the value of a number by a new reader, checks it, and counts round trips. */
function reader(
  read: (id: number, requests: Requests) => Promise<unknown>,
  wanted: (id: number) => unknown,
): Job {
  let requests: Requests = [];
  return {
    async run(argument) {
      const id = argument as number;
      requests = [];
      const value = await read(id, requests);
      if (value !== wanted(id)) throw new Error(`The value of ${id} is wrong: ${String(value)}.`);
    },
    after: () => ({ "round trips": roundTrips(requests) }),
  };
}

export const jobs: Jobs = {
  /** Writes the files of the other formats. */
  files({ pmtiles, parquet, zarrMetadata, zarrShard }: FormatFiles): Job {
    return {
      run() {
        writeFileSync(pmtiles, pmtilesFile());
        const array = zarrFiles();
        writeFileSync(zarrMetadata, array["zarr.json"]);
        writeFileSync(zarrShard, array["c/0"]);
        const rows = Array.from({ length: VALUES }, (_, i) => record(i));
        const bytes = parquetWriteBuffer({
          columnData: [{ name: "text", data: rows, type: "STRING" }],
          rowGroupSize: ROW_GROUP,
          pageSize: PAGE,
        });
        writeFileSync(parquet, new Uint8Array(bytes));
      },
    };
  },
  peekpack: ({ url }: { readonly url: string }): Job =>
    reader(async (id, requests) => {
      const archive = await openArchive(url, {
        onRequest: (event) => requests.push(event),
      });
      const value = await archive.read([`entry-${id}`]);
      await archive.close();
      return value;
    }, record),
  pmtiles: ({ url }: { readonly url: string }): Job => {
    const base = zxyToTileId(ZOOM, 0, 0);
    return reader(async (id, requests) => {
      const file = new RangedUrl(url, requests);
      const tiles = new PMTiles({
        getKey: () => `${url} ${performance.now()}`,
        getBytes: async (offset, length) => ({ data: (await file.range(offset, offset + length)).buffer }),
      });
      const [z, x, y] = tileIdToZxy(base + id);
      const tile = await tiles.getZxy(z, x, y);
      return tile && Buffer.from(tile.data).toString();
    }, record);
  },
  zarr: ({ metadata, shard }: { readonly metadata: string; readonly shard: string }): Job =>
    reader(async (id, requests) => {
      const file = (key: string): RangedUrl | undefined => {
        const url = key === "/zarr.json" ? metadata : key === "/c/0" ? shard : undefined;
        return url === undefined ? undefined : new RangedUrl(url, requests);
      };
      const store: zarr.AsyncReadable = {
        get: async (key) => file(key)?.whole(),
        async getRange(key, range) {
          return "suffixLength" in range
            ? (await file(key)?.suffix(range.suffixLength))?.bytes
            : file(key)?.range(range.offset, range.offset + range.length);
        },
      };
      const array = await zarr.open.v3(store, { kind: "array" });
      return zarr.get(array, [id]);
    }, numberAt),
  parquet: ({ url }: { readonly url: string }): Job =>
    reader(async (id, requests) => {
      const object = new RangedUrl(url, requests);
      const { bytes, size } = await object.suffix(PARQUET_TAIL);
      const file: AsyncBuffer = {
        byteLength: size,
        async slice(start, end = size) {
          const from = size - bytes.length;
          const piece =
            start >= from ? bytes.slice(start - from, end - from) : await object.range(start, end);
          return piece.buffer;
        },
      };
      const [row] = await parquetReadObjects({
        file,
        columns: ["text"],
        rowStart: id,
        rowEnd: id + 1,
        useOffsetIndex: true,
      });
      return row?.text;
    }, record),
};
